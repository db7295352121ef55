import { TeamPage } from '~/app/_team/TeamPage';

export default function Page() {
  return <TeamPage />;
}
