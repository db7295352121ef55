import { RunList } from './_runs/RunList';

export default function Page() {
  return <RunList />;
}
