import { JoinForm } from '~/app/_team/JoinForm';

export default function Page() {
  return <JoinForm />;
}
