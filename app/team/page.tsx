import { TeamPage } from '../_panels/team/TeamPage';

export default function Page() {
  return <TeamPage />;
}
