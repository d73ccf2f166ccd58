import type { MeshObject } from '../contract/mesh.ts';

const barWidth = 28;

/** Shows a mesh's progress: one line that redraws itself on a terminal, a line for each change otherwise. */
export function progressReporter(stream: NodeJS.WriteStream): { show(mesh: MeshObject): void; end(): void } {
  let last = '';
  return {
    show(mesh) {
      const filled = Math.round(mesh.progress * barWidth);
      const percent = `${Math.round(mesh.progress * 100)} %`;
      const text = stream.isTTY
        ? `\r\u001B[K${'█'.repeat(filled)}${'░'.repeat(barWidth - filled)} ${percent} ${mesh.status}`
        : `${mesh.status} ${percent}\n`;
      if (text !== last) stream.write(text);
      last = text;
    },
    end() {
      if (stream.isTTY && last !== '') stream.write('\r\u001B[K');
    },
  };
}
