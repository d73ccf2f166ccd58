/** Names by which a machine calls itself in URLs. */
export const ownNames: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

/** How a shell has the keys of the edge that `npm start` runs, in the folder of the repository. */
export const localKeyCommand = '$(npm run -s key)';
export const localAdminKeyCommand = '$(npm run -s key -- --admin)';
