// Runs a model's golden input through ONNX Runtime and compares with what the training framework gave: node parity.mjs ../models/bisque/1
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';

const folder = process.argv[2];
const manifest = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8'));
const floats = async (name) => {
  const bytes = await readFile(join(folder, name));
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
};
const distance = (a, b) => Math.hypot(...a.map((v, i) => v - b[i])) / Math.hypot(...b);

for (const [name, graph] of Object.entries(manifest.graphs)) {
  const session = await InferenceSession.create(join(folder, graph.file), { intraOpNumThreads: 2 });
  const [input] = Object.keys(graph.inputs);
  const dims = graph.inputs[input].shape.map((d) => (d === 'N' ? 1 : d));
  const golden = await floats(manifest.golden.inputs[input]);
  for (const n of [1, 3]) {
    const data = new Float32Array(n * golden.length);
    for (let i = 0; i < n; i++) data.set(golden, i * golden.length);
    const feeds = { [input]: new Tensor('float32', data, [n, ...dims.slice(1)]) };
    await session.run(feeds);
    const began = performance.now();
    const outputs = await session.run(feeds);
    const ms = performance.now() - began;
    for (const output of Object.keys(graph.outputs)) {
      const wanted = await floats(manifest.golden.outputs[output]);
      const last = outputs[output].data.slice((n - 1) * wanted.length);
      const error = distance(last, wanted);
      console.log(`${name} batch ${n} ${output}: relative error ${error.toExponential(2)}, ${ms.toFixed(1)} ms`);
      if (!(error < manifest.golden.relative_tolerance)) process.exitCode = 1;
    }
  }
}
