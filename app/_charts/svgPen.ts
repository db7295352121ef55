import type { Pen } from './plot';

/** A pen that writes SVG, so that the same code draws a chart on screen and in an exported file. */
export class SvgPen implements Pen {
  fillStyle = '#000';
  strokeStyle = '#000';
  lineWidth = 1;
  globalAlpha = 1;
  lineJoin = 'round';
  lineCap = 'round';
  private path: string[] = [];
  private dash: number[] = [];
  private readonly out: string[] = [];

  beginPath(): void {
    this.path = [];
  }
  moveTo(x: number, y: number): void {
    this.path.push(`M${n(x)} ${n(y)}`);
  }
  lineTo(x: number, y: number): void {
    this.path.push(`L${n(x)} ${n(y)}`);
  }
  closePath(): void {
    this.path.push('Z');
  }
  /** Only whole circles. */
  arc(x: number, y: number, radius: number): void {
    this.path.push(
      `M${n(x - radius)} ${n(y)}a${n(radius)} ${n(radius)} 0 1 0 ${n(2 * radius)} 0a${n(radius)} ${n(radius)} 0 1 0 ${n(-2 * radius)} 0`,
    );
  }
  setLineDash(dash: Iterable<number>): void {
    this.dash = [...dash];
  }
  fill(): void {
    this.out.push(`<path d="${this.path.join('')}" fill="${this.fillStyle}"${this.alpha('fill')}/>`);
  }
  stroke(): void {
    if (this.path.length === 0) return;
    const dash = this.dash.length > 0 ? ` stroke-dasharray="${this.dash.join(' ')}"` : '';
    this.out.push(
      `<path d="${this.path.join('')}" fill="none" stroke="${this.strokeStyle}" stroke-width="${n(this.lineWidth)}" stroke-linejoin="${this.lineJoin}" stroke-linecap="${this.lineCap}"${dash}${this.alpha('stroke')}/>`,
    );
  }
  fillRect(x: number, y: number, w: number, h: number): void {
    this.out.push(
      `<rect x="${n(x)}" y="${n(y)}" width="${n(w)}" height="${n(h)}" fill="${this.fillStyle}"${this.alpha('fill')}/>`,
    );
  }

  /** Everything drawn so far, as SVG elements. */
  markup(): string {
    return this.out.join('\n');
  }

  private alpha(kind: 'fill' | 'stroke'): string {
    return this.globalAlpha < 1 ? ` ${kind}-opacity="${n(this.globalAlpha)}"` : '';
  }
}

const n = (v: number): string => String(Math.round(v * 100) / 100);
