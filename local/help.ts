// `npm run help`: every command of this repository, in a line each.

/** What each script of package.json does; a test holds the two together. */
export const commands: Readonly<Record<string, string>> = {
  help: 'this list',
  demo: 'both programs from nothing, one picture made and asked for again: demo [-- picture.png]',
  start: 'edge and origin on this machine, until Ctrl-C',
  mesh: 'one picture, or prompt, to one mesh: mesh -- picture.png -o mesh.glb',
  key: 'print the key of the edge on this machine: npm run -s key [-- --admin | --link]',
  keys: 'the API keys of an edge: keys -- create|list|revoke|rotate',
  index: "make an edge's index equal to its store, or compare them: index -- rebuild|check",
  models: 'list, add and check models: models -- add FOLDER',
  doctor: 'why this machine cannot run something',
  'setup:cuda': 'put the CUDA libraries of ONNX Runtime in place',
  origin: 'the GPU origin alone, by its environment (docs/operations.md)',
  site: 'build the pages',
  deploy: 'build the pages and deploy the edge to Cloudflare',
  sbom: 'what is installed, as a CycloneDX bill of materials',
  test: 'everything: types, lint, format and all tests',
  check: 'types, lint, format and unused code',
  'test:security': 'the attacks of docs/security.md, one line each: test:security [-- --without]',
  fuzz: 'fuzzed requests to the edge',
};

if (import.meta.main) {
  console.log('Usage: npm run COMMAND [-- OPTIONS]; most commands tell their options with -- --help\n');
  for (const [name, text] of Object.entries(commands)) console.log(`  ${name.padEnd(15)}${text}`);
  console.log('\nBenches and training: the other scripts of package.json, docs/performance.md and training/.');
}
