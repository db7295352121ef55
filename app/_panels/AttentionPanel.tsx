import { Panel } from '../_components/Panel';

export function AttentionPanel() {
  return (
    <Panel title="Attention">
      <div className="h-40" />
    </Panel>
  );
}
