import { JoinForm } from '../_panels/team/JoinForm';

export default function Page() {
  return <JoinForm />;
}
