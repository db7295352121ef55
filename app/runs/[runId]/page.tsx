import { Room } from '~/app/_run/shell/Room';

export default async function Page({ params }: { params: Promise<{ runId: string }> }) {
  const { runId } = await params;
  return <Room key={runId} runId={runId} />;
}
