/** The keys of two pages, each kept for as long as its tab is open, and sent to nobody but this edge. */
export type KeyName = 'meshkiln-key' | 'meshkiln-admin-key';

export function readKey(name: KeyName): string | null {
  return sessionStorage.getItem(name);
}

export function keepKey(name: KeyName, key: string): void {
  sessionStorage.setItem(name, key);
}
