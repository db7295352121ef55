import { RunList } from './_panels/RunList';

export default function Page() {
  return <RunList />;
}
