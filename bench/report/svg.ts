/** Colours that can be told apart in grey too, on the white ground that every plot brings. */
export const ink = '#222222';
export const faint = '#dddddd';
export const ours = '#b4532a';
export const reference = '#9aa5b1';
export const palette: readonly string[] = [ours, '#2c6e8f', '#5b7d3a', '#7a4e8a'];

type Point = readonly [x: number, y: number];

/** A whole SVG document of these elements on white. */
export function svg(
  { width, height, title }: { width: number; height: number; title: string },
  elements: readonly string[],
): string {
  const ground = rect({ x: 0, y: 0, width, height }, '#ffffff');
  const head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="13" role="img">`;
  return [head, `<title>${escaped(title)}</title>`, ground, ...elements, '</svg>', ''].join('\n');
}

/** A filled rectangle. */
export function rect(box: { x: number; y: number; width: number; height: number }, colour: string): string {
  return `<rect x="${n(box.x)}" y="${n(box.y)}" width="${n(box.width)}" height="${n(box.height)}" fill="${colour}"/>`;
}

/** A straight line. */
export function line([x1, y1]: Point, [x2, y2]: Point, colour: string, width: number): string {
  return `<line x1="${n(x1)}" y1="${n(y1)}" x2="${n(x2)}" y2="${n(y2)}" stroke="${colour}" stroke-width="${width}"/>`;
}

/** A line through points. */
export function polyline(points: readonly Point[], colour: string): string {
  const list = points.map(([x, y]) => `${n(x)},${n(y)}`).join(' ');
  return `<polyline points="${list}" fill="none" stroke="${colour}" stroke-width="2"/>`;
}

/** A text whose base line is at y. */
export function text(
  x: number,
  y: number,
  content: string,
  { anchor = 'start', bold = false, colour = ink }: { anchor?: string; bold?: boolean; colour?: string } = {},
): string {
  const weight = bold ? ' font-weight="600"' : '';
  return `<text x="${n(x)}" y="${n(y)}" text-anchor="${anchor}" fill="${colour}"${weight}>${escaped(content)}</text>`;
}

function n(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
