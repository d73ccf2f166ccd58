/** The groups of OWASP's API Security Top 10 of 2023. */
export const groups = {
  API1: 'Broken object level authorization',
  API2: 'Broken authentication',
  API3: 'Broken object property level authorization',
  API4: 'Unrestricted resource consumption',
  API5: 'Broken function level authorization',
  API6: 'Unrestricted access to sensitive business flows',
  API7: 'Server side request forgery',
  API8: 'Security misconfiguration',
  API9: 'Improper inventory management',
  API10: 'Unsafe consumption of APIs',
} as const;

/** The group and a number within it; a new attack takes the next number of its group. */
type DefenceId = `${keyof typeof groups}-${number}`;

export type Attack = {
  /** The id of its defence, which stands in a comment at that defence: `defence: API1-3`. */
  id: DefenceId;
  attack: string;
  /** Where it comes in: operations of the OpenAPI document, or a place outside it. */
  entries: readonly string[];
  /** What stands in place of the defence when it is taken out, with `$&` for the defence itself; nothing if absent. */
  instead?: string;
  /** The test that fails without the defence. */
  test: readonly [file: string, name: string];
};

const post = 'POST /v1/meshes';
const mesh = 'GET /v1/meshes/{id}';
const everyKeyed = [
  post,
  'GET /v1/meshes',
  'GET /v1/models',
  'GET /v1/models/{id}',
  'GET /dashboard/data',
  'GET /v1/webhook_secret',
];
const everySigned = ['PUT /origin/blobs/{sha256}', 'PUT /origin/results/{key}', 'GET /origin/geometry/{key}'];
const everyAdmin = [
  'POST /admin/purge',
  'GET /admin/takedowns',
  'DELETE /admin/takedowns/{sha256}',
  'POST /admin/index/rebuild',
  'POST /admin/index/check',
];

/** Each attack with its defence and the test that shows it; docs/security.md has the same table for people. */
export const attacks: readonly Attack[] = [
  {
    id: 'API1-1',
    attack: "Read another tenant's private mesh by its id",
    entries: [mesh, 'GET /v1/meshes/{id}/content', 'GET /v1/meshes/{id}/events', 'GET /v1/meshes/{id}/thumbnail'],
    instead: 'true',
    test: [
      'test/edge/private-meshes.test.ts',
      "another tenant's private mesh does not exist, neither stored nor in the making",
    ],
  },
  {
    id: 'API1-2',
    attack: 'Learn by a digest what picture another tenant has sent',
    entries: [post],
    instead: 'true',
    test: ['test/edge/private-meshes.test.ts', 'a picture by its digest is answered only to a tenant that has sent it'],
  },
  {
    id: 'API1-3',
    attack: "Turn the signed URL of one private asset into another's",
    entries: ['GET /assets/{file}', 'HEAD /assets/{file}'],
    instead: 'true',
    test: [
      'test/edge/private-meshes.test.ts',
      "a private asset's URL works without a key until it expires, and for nothing else",
    ],
  },
  {
    id: 'API1-4',
    attack: "Read another tenant's list and metadata",
    entries: ['GET /v1/meshes', mesh],
    instead: "'everyone'",
    test: ['test/edge/own-meshes.test.ts', 'a hit is listed once, and metadata stays with the tenant that gave it'],
  },
  {
    id: 'API1-5',
    attack: 'Delete a mesh that others use',
    entries: ['DELETE /v1/meshes/{id}'],
    instead: 'true',
    test: ['test/edge/own-meshes.test.ts', 'a shared mesh that is deleted leaves the list and stays for the others'],
  },
  {
    id: 'API1-6',
    attack: "Read another tenant's webhook deliveries, whose URLs may be secret",
    entries: ['GET /v1/webhook_deliveries', 'GET /v1/webhook_secret', 'POST /v1/webhook_secret'],
    instead: "($&, 'everyone')",
    test: ['test/edge/webhooks.test.ts', 'each tenant has a secret of its own, which needs a key'],
  },
  {
    id: 'API1-7',
    attack: "Read another tenant's usage",
    entries: ['GET /v1/usage'],
    instead: "($&, 'maker')",
    test: [
      'test/edge/usage.test.ts',
      'the ledger has what a tenant asked for, spent and saved, and nothing of another',
    ],
  },
  {
    id: 'API2-1',
    attack: 'Call with no key, a made-up key or another scheme',
    entries: everyKeyed,
    test: ['test/edge/bad-requests.test.ts', 'a key is needed, must be known, and must have the scope'],
  },
  {
    id: 'API2-2',
    attack: 'Use a key after it was revoked',
    entries: [post, 'POST /admin/keys', 'GET /admin/keys/{id}', 'DELETE /admin/keys/{id}'],
    test: ['test/edge/keys.test.ts', 'a revoked key makes nothing new from then on, and hits end within a minute'],
  },
  {
    id: 'API2-3',
    attack: 'Get into an edge of npm start with a key that stands in a manual',
    entries: ['npm start'],
    instead: "'0'.repeat(64)",
    test: ['test/local/settings.test.ts', 'the keys of two state folders differ, and nobody else can read them'],
  },
  {
    id: 'API2-4',
    attack: "Have a page of another site call an edge of npm start, through its visitor's browser",
    entries: ['npm start'],
    test: ['test/edge/local-door.test.ts', 'an edge of this machine refuses pages of %s'],
  },
  {
    id: 'API2-13',
    attack: 'Come to an edge of npm start from elsewhere, by a name that is led to it (DNS rebinding, a proxy)',
    entries: ['npm start'],
    test: ['test/edge/local-door.test.ts', 'an edge of this machine refuses the Host of %s'],
  },
  {
    id: 'API2-14',
    attack: 'Come to an edge of npm start through a reverse proxy that nobody told it of',
    entries: ['npm start'],
    test: ['test/edge/local-door.test.ts', 'an edge of this machine refuses what a proxy sent on with %s'],
  },
  {
    id: 'API2-5',
    attack: 'Write a mesh back without an origin’s secret',
    entries: [...everySigned, 'POST /origin/progress/{key}', 'POST /origin/reports', 'PUT /origin/geometry/{key}'],
    test: [
      'test/gpu-origin/server/jobs-route.test.ts',
      'a call with another secret, or for another origin, is refused',
    ],
  },
  {
    id: 'API2-6',
    attack: 'Replay a signed call that was overheard on its way to the edge',
    entries: everySigned,
    instead: 'return;',
    test: ['test/edge/origin-calls.test.ts', 'a recorded call cannot be replayed, nor an old one sent late'],
  },
  {
    id: 'API2-7',
    attack: 'Replay a signed job that was overheard on its way to an origin',
    entries: ["the origin's POST /jobs"],
    test: ['test/gpu-origin/server/jobs-route.test.ts', 'the same signed call is taken once'],
  },
  {
    id: 'API2-8',
    attack: 'Replay a signed job after the origin that took it was killed',
    entries: ["the origin's POST /jobs"],
    test: [
      'test/gpu-origin/crashes.test.ts',
      'a signed call that was taken before the origin was killed is refused after its restart',
    ],
  },
  {
    id: 'API2-9',
    attack: 'Send a signed call later than its five minutes, or from a clock that is set ahead',
    entries: everySigned,
    test: ['test/contract/signature.test.ts', 'a call that is too old, or from a clock too far ahead, is refused'],
  },
  {
    id: 'API2-10',
    attack: 'Change the body of a signed call',
    entries: [
      'POST /origin/progress/{key}',
      'POST /origin/returns/{key}',
      'POST /origin/reports',
      'PUT /origin/results/{key}',
    ],
    instead: 'false',
    test: [
      'test/edge/origin-calls.test.ts',
      'JSON that was altered, is too long or has the wrong shape is refused with its field',
    ],
  },
  {
    id: 'API2-11',
    attack: 'Forge an event to a webhook’s receiver',
    entries: ['webhooks'],
    instead: "'v1,'",
    test: ['test/end-to-end/webhooks.test.ts', 'while the secret is changed, both sign'],
  },
  {
    id: 'API2-12',
    attack: 'Read the metrics without their token',
    entries: ['GET /metrics'],
    instead: 'return next();',
    test: ['test/edge/statistics.test.ts', 'metrics are for an admin key or the token'],
  },
  {
    id: 'API3-1',
    attack: 'Set what a request must not set, by a field that is not its own',
    entries: [post],
    instead: '$&.strip()',
    test: ['test/edge/bad-requests.test.ts', 'the form fields %j are refused as %s of %s'],
  },
  {
    id: 'API3-2',
    attack: 'Pollute prototypes by a form field called __proto__',
    entries: [post],
    instead: 'Object.assign({}, $&)',
    test: ['test/edge/hardening.test.ts', 'names of the prototype are names like others'],
  },
  {
    id: 'API3-3',
    attack: 'Make a tenant the owner of a mesh, as an origin',
    entries: ['PUT /origin/results/{key}'],
    instead: 'const unowned = result.manifest;',
    test: ['test/edge/private-meshes.test.ts', 'an origin can make nobody the owner of a mesh'],
  },
  {
    id: 'API3-4',
    attack: 'Read a key out of the key store',
    entries: ['GET /admin/keys', 'POST /admin/keys/{id}/rotate'],
    instead: 'text',
    test: ['test/edge/keys.test.ts', 'a key is told once, kept as its digest alone, and works for its scope'],
  },
  {
    id: 'API4-1',
    attack: 'Send a body without end',
    entries: [post],
    test: [
      'test/edge/bad-requests.test.ts',
      'bodies over the limit are 413, by their declared length or by what was read of them',
    ],
  },
  {
    id: 'API4-2',
    attack: 'Send a picture that is small and unpacks to a billion pixels',
    entries: [post],
    test: ['test/edge/bad-requests.test.ts', 'a picture of 30,000×30,000 pixels is refused by its header'],
  },
  {
    id: 'API4-3',
    attack: 'Bring such a picture past the edge',
    entries: ["the origin's POST /jobs"],
    instead: "const header = { mediaType: 'image/png', width: 1, height: 1, colour: null };",
    test: [
      'test/gpu-origin/pipeline/decode.test.ts',
      'refuses 30,000 × 30,000 pixels from the header, without decoding them',
    ],
  },
  {
    id: 'API4-4',
    attack: 'Send JSON that becomes millions of objects',
    entries: [post, ...everyAdmin],
    test: ['test/edge/hardening.test.ts', 'JSON that would become millions of objects is refused before it is parsed'],
  },
  {
    id: 'API4-20',
    attack: 'Send megabytes of fields beside the picture',
    entries: [post],
    test: [
      'test/edge/hardening.test.ts',
      'fields that have more than 256 KiB beside the picture are 413, in a form and in JSON, whatever they say',
    ],
  },
  {
    id: 'API4-21',
    attack: 'Send JSON of millions of objects inside a form',
    entries: [post],
    instead: 'return JSON.parse(readText(body, name));',
    test: ['test/edge/hardening.test.ts', 'JSON in the form field %s is counted before it is parsed'],
  },
  {
    id: 'API4-5',
    attack: 'Send a form of thousands of parts, or with endless part headers',
    entries: [post],
    test: [
      'test/edge/hardening.test.ts',
      'a form of more than 64 parts, or with a part or boundary that is too long, is refused',
    ],
  },
  {
    id: 'API4-6',
    attack: 'Ask without pause',
    entries: everyKeyed,
    instead: 'return;',
    test: ['test/edge/rate-limits.test.ts', '%s is stopped at its limit and told when to come back'],
  },
  {
    id: 'API4-7',
    attack: 'Spend more GPU time than a tenant may, by misses at once',
    entries: [post, 'GET /admin/tenants/{tenant}/limits', 'PUT /admin/tenants/{tenant}/limits'],
    test: ['test/edge/budgets.test.ts', 'of 100 misses at once, a budget that reserves for 10 lets exactly 10 through'],
  },
  {
    id: 'API4-8',
    attack: 'Fill the store with pictures of misses that nobody can pay for',
    entries: [post],
    instead: 'return;',
    test: ['test/edge/budgets.test.ts', 'a miss that is refused for %s stores no picture'],
  },
  {
    id: 'API4-9',
    attack: 'Fill a tenant with idempotency keys',
    entries: [post],
    test: [
      'test/edge/own-meshes.test.ts',
      'a tenant keeps 100,000 listed meshes and idempotency keys: old meshes go, new keys wait',
    ],
  },
  {
    id: 'API4-10',
    attack: 'Leave webhooks open without end',
    entries: [post],
    test: ['test/edge/webhooks.test.ts', 'more than 10,000 open webhooks are refused with a pause'],
  },
  {
    id: 'API4-11',
    attack: 'Have an event sent to a receiver that never takes it, for ever',
    entries: ['webhooks'],
    instead: 'if (pauseSeconds === undefined) return Date.now() + 1000;',
    test: ['test/edge/webhooks.test.ts', 'a receiver that never takes an event is tried eight times in nine hours'],
  },
  {
    id: 'API4-12',
    attack: 'Name a picture by a URL that never ends',
    entries: [post],
    instead: '4 * $&',
    test: ['test/edge/image-urls.test.ts', 'a picture of more than 20 MiB is refused as it is read'],
  },
  {
    id: 'API4-13',
    attack: 'Name a picture whose server answers slowly, or never',
    entries: [post],
    instead: '100 * $&',
    test: ['test/edge/image-urls.test.ts', 'a picture that does not come within 10 seconds is given up'],
  },
  {
    id: 'API4-14',
    attack: 'Send an origin more than a picture may have',
    entries: ["the origin's POST /jobs"],
    test: ['test/gpu-origin/server/jobs-route.test.ts', 'an image over 20 MiB is refused before its body is read'],
  },
  {
    id: 'API5-1',
    attack: 'Call what is the operator’s with a key that is not',
    entries: [...everyAdmin, 'POST /admin/keys'],
    instead: "requireKey(access, 'meshes')",
    test: ['test/edge/admin-purge.test.ts', 'a purge needs a key with the scope "admin"'],
  },
  {
    id: 'API5-2',
    attack: 'Replace what everyone gets, by refreshing a shared mesh',
    entries: [post],
    test: ['test/edge/refresh.test.ts', 'refreshing a shared mesh needs the scope admin, a private one does not'],
  },
  {
    id: 'API5-3',
    attack: 'Use, with no key, what belongs to a tenant',
    entries: ['GET /v1/meshes', 'DELETE /v1/meshes/{id}', 'POST /v1/meshes/{id}/cancel', 'GET /v1/webhook_secret'],
    instead: 'return tenant;',
    test: [
      'test/edge/anonymous.test.ts',
      'the anonymous have no list and no webhooks, delete nothing, stop nothing, and learn nothing by a digest',
    ],
  },
  {
    id: 'API6-1',
    attack: 'Spend the free allowance of a site’s visitors from the page of another',
    entries: [post],
    test: ['test/edge/anonymous.test.ts', 'a call from %s is let in or not'],
  },
  {
    id: 'API6-2',
    attack: 'Send again a picture that was taken down',
    entries: [post],
    test: [
      'test/edge/admin-purge.test.ts',
      'a picture that was taken down is refused, and may come back when the operator says so',
    ],
  },
  {
    id: 'API7-1',
    attack: 'Name a picture inside the network: by address in any spelling, by local name, port or scheme',
    entries: [post],
    instead: 'false',
    test: ['test/edge/image-urls.test.ts', '%s is refused before anything is asked'],
  },
  {
    id: 'API7-2',
    attack: 'Name a picture by a public name that resolves inside the network',
    entries: [post],
    test: ['test/edge/image-urls.test.ts', 'a name that resolves to %s is not asked'],
  },
  {
    id: 'API7-3',
    attack: 'Reach metadata services and IPv4 inside IPv6 by addresses that look public',
    entries: [post, 'webhooks'],
    instead: 'false',
    test: ['test/edge/image-urls.test.ts', '%s is no public address: %s'],
  },
  {
    id: 'API7-4',
    attack: 'Redirect from a public server to one inside the network',
    entries: [post],
    instead: 'URL.parse(location, url)',
    test: ['test/edge/image-urls.test.ts', 'a redirect to %s is not followed'],
  },
  {
    id: 'API7-5',
    attack: 'Redirect without end',
    entries: [post],
    instead: 'hops === 100',
    test: ['test/edge/image-urls.test.ts', 'three redirects are followed, a fourth is not'],
  },
  {
    id: 'API7-6',
    attack: 'Change what a name resolves to between the check and the connection (DNS rebinding)',
    entries: ['npm start'],
    instead:
      'const lookup: LookupFunction = (name, _options, done) => void resolve(name).then((found) => done(null, found));',
    test: ['test/local/outside.test.ts', 'a name that changes after it was checked is asked where it was checked'],
  },
  {
    id: 'API7-7',
    attack: 'Hide one address inside among public ones',
    entries: ['npm start'],
    test: [
      'test/local/outside.test.ts',
      'a name that resolves inside is not connected to, nor one of which a single address is inside',
    ],
  },
  {
    id: 'API7-8',
    attack: 'Have an event posted inside the network',
    entries: [post],
    test: ['test/edge/webhooks.test.ts', 'the webhook_url %s is refused'],
  },
  {
    id: 'API7-9',
    attack: 'Have an event redirected, signature and all',
    entries: ['webhooks'],
    instead:
      "$& const moved = answer.headers.get('location'); if (moved) await outside(new URL(moved), { method: 'POST', headers, body, signal: AbortSignal.timeout(outsideMsMax) });",
    test: ['test/end-to-end/webhooks.test.ts', 'an event goes to nothing inside: not by its name, not by a redirect'],
  },
  {
    id: 'API8-1',
    attack: 'Have a browser run, sniff or frame an answer',
    entries: ['GET /healthz', 'GET /readyz', 'GET /openapi.json', mesh],
    test: ['test/edge/hardening.test.ts', 'no answer can be sniffed, framed or run, and https stays https'],
  },
  {
    id: 'API8-2',
    attack: 'Have a page load or run what is not its own',
    entries: ['GET /', 'GET /dashboard', 'GET /docs', 'GET /m/{id}'],
    instead: '"script-src *"',
    test: ['test/edge/pages.test.ts', '%s is a page that may load nothing of another host, in no frame'],
  },
  {
    id: 'API8-3',
    attack: 'Have a browser run a mesh as a page',
    entries: ['GET /assets/{file}', 'GET /v1/meshes/{id}/content'],
    instead: "''",
    test: ['test/edge/assets.test.ts', 'a download carries the headers that its digest allows'],
  },
  {
    id: 'API8-4',
    attack: 'Leave the folder of assets by a name like ../ or with another ending',
    entries: ['GET /assets/{file}'],
    instead: '/^([0-9a-f]{64})\\.([a-z]{1,8})/.exec(file) ?? []',
    test: ['test/edge/assets.test.ts', 'a wrong extension, an unknown one and a malformed name are 404'],
  },
  {
    id: 'API8-5',
    attack: 'Have an error repeat script or megabytes of one’s own',
    entries: ['GET /v1/models/{id}', post],
    instead: 'this.param',
    test: ['test/edge/hardening.test.ts', 'an error repeats no path, and of a name no more than its beginning'],
  },
  {
    id: 'API8-6',
    attack: 'Put a line break and a header into an answer, by the request id that it repeats',
    entries: [...everyKeyed],
    instead: 'z.string()',
    test: [
      'test/edge/bad-requests.test.ts',
      'unknown paths are 404, unknown methods 405 with Allow, and each answer has a request id',
    ],
  },
  {
    id: 'API8-7',
    attack: 'Learn from a failure what is inside',
    entries: everyKeyed,
    instead: "new Problem('internal_error', String(error), { cause: error })",
    test: ['test/edge/bad-requests.test.ts', 'a fault inside is a 500 that tells nothing, logged once'],
  },
  {
    id: 'API8-8',
    attack: 'Find secrets in the logs',
    entries: ["the origin's log"],
    instead: '`${$&}, not ${given[String(issue.path[0])]}`',
    test: ['test/gpu-origin/server/operations.test.ts', 'secrets never reach the log'],
  },
  {
    id: 'API9-1',
    attack: 'Find a route that nobody knows of',
    entries: ['GET /openapi.json'],
    instead: '...{}',
    test: ['test/edge/openapi.test.ts', 'every route that is mounted is in the document, and the reverse'],
  },
  {
    id: 'API10-1',
    attack: 'Have a server’s answer believed: its content type, or its words repeated to the client',
    entries: [post],
    instead: "if (format === undefined) return { mediaType: 'image/png', width: 1, height: 1 };",
    test: [
      'test/edge/image-urls.test.ts',
      'what a server answers is told by its status alone, and its bytes decide what it is',
    ],
  },
  {
    id: 'API10-2',
    attack: 'Answer in the place of a picture’s server with another certificate',
    entries: ['npm start'],
    instead: "process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'; $&",
    test: ['test/local/outside.test.ts', 'a server whose certificate is for another name is not believed'],
  },
  {
    id: 'API10-3',
    attack: 'Have an origin’s word taken for a mesh that is not there, or of another job',
    entries: ['PUT /origin/results/{key}'],
    test: ['test/edge/origin-calls.test.ts', 'a result is taken only when its blobs are stored and it is of the job'],
  },
  {
    id: 'API10-4',
    attack: 'Have jobs sent to an address of one’s choice, as an origin that was taken over',
    entries: ['POST /origin/reports'],
    instead: 'true',
    test: ['test/edge/origin-calls.test.ts', 'an origin may report from its configured address alone'],
  },
  {
    id: 'API10-5',
    attack: 'Have bytes stored that are not those of their digest',
    entries: ['PUT /origin/blobs/{sha256}', 'PUT /origin/geometry/{key}'],
    instead: 'sha256: undefined',
    test: ['test/edge/origin-calls.test.ts', 'a surface is kept once under its geometry key and given back'],
  },
  {
    id: 'API10-6',
    attack: 'Have the bytes of a purged mesh come back, sent again by an origin that was away',
    entries: ['PUT /origin/blobs/{sha256}', 'PUT /origin/results/{key}'],
    instead: 'async () => {}',
    test: [
      'test/edge/admin-purge.test.ts',
      'bytes that an origin sends again after a purge do not stay behind its refused result',
    ],
  },
  {
    id: 'API10-7',
    attack: 'Have the picture of a purged mesh stay on the disk of an origin that was down',
    entries: ['POST /admin/purge', 'GET /origin/removals'],
    test: [
      'test/edge/removals.test.ts',
      'each origin reads of a purged surface from where it is in the list, however late',
    ],
  },
  {
    id: 'API10-8',
    attack: 'Answer with a mesh of a kilobyte that unpacks to gigabytes, as a model’s server',
    entries: ['a model’s server'],
    test: [
      'test/gpu-origin/pipeline/read-glb.test.ts',
      'a small file that asks for %s is refused before anything is built',
    ],
  },
  {
    id: 'API10-9',
    attack: 'Bring a model whose manifest is a pipe or lies elsewhere',
    entries: ['npm run models -- add'],
    test: [
      'test/gpu-origin/models/repository.test.ts',
      'a pipe, a folder or a link in the place of a manifest is refused before it is read',
    ],
  },
  {
    id: 'API10-10',
    attack: 'Keep a thread of mesh work busy without end',
    entries: ['a model’s graph or server'],
    instead: 'const deadline = undefined;',
    test: [
      'test/gpu-origin/pipeline/kernel-pool.test.ts',
      'a call that takes too long ends with its thread, and the next one has a new thread',
    ],
  },
  {
    id: 'API10-11',
    attack: 'End the flight of another origin’s job, with a mesh or a failure, as an origin that was taken over',
    entries: ['PUT /origin/results/{key}'],
    test: [
      'test/edge/origin-calls.test.ts',
      'an origin that was never given a job can neither finish nor fail it, with whatever fence',
    ],
  },
  {
    id: 'API10-12',
    attack: 'Keep another origin’s lease alive, so that its job is never given on',
    entries: ['POST /origin/progress/{key}'],
    test: ['test/edge/origin-calls.test.ts', 'an origin that was never given a job cannot tell how far it is'],
  },
  {
    id: 'API10-13',
    attack: 'Hand back what another origin has',
    entries: ['POST /origin/returns/{key}'],
    test: ['test/edge/returned-jobs.test.ts', 'an origin cannot hand back what another has'],
  },
  {
    id: 'API10-14',
    attack: 'Have a tenant charged for more GPU time than there was',
    entries: ['PUT /origin/results/{key}'],
    test: [
      'test/edge/origin-calls.test.ts',
      'a result that claims more time than there was is refused, and nobody is charged',
    ],
  },
];

/** The group of OWASP's list that an attack belongs to. */
export function groupOf({ id }: Attack): keyof typeof groups {
  return id.slice(0, id.indexOf('-')) as keyof typeof groups;
}
