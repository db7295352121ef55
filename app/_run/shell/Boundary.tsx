import { Component, type ReactNode } from 'react';
import { Button } from '~/app/_components/Button';

/** A panel that crashes shows its error; the other panels continue to work. */
export class Boundary extends Component<{ title: string; children: ReactNode }, { error: Error | null }> {
  override state = { error: null as Error | null };
  static getDerivedStateFromError(error: unknown) {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }
  override render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    return (
      <div role="alert" className="space-y-2 px-3 py-4">
        <p>
          {this.props.title} could not be shown: <span className="text-bad">{error.message}</span>
        </p>
        <Button onClick={() => this.setState({ error: null })}>Show it again</Button>
      </div>
    );
  }
}
