import { Panel } from '../_components/Panel';

export function Scrubber() {
  return (
    <Panel title="Scrubber">
      <div className="h-40" />
    </Panel>
  );
}
