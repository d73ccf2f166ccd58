// What every page does before anything else: its first script.
import { keepKeyOfLink } from './api/key.ts';
import { make } from './look/element.ts';

sayLanguage();
keepKeyOfLink();
// The link in the tab that has the page already changes nothing but the fragment.
addEventListener('hashchange', () => keepKeyOfLink() && location.reload());
addEventListener('error', ({ message }) => tellFault(message));
addEventListener('unhandledrejection', (event: PromiseRejectionEvent) => {
  const reason: unknown = event.reason;
  tellFault(reason instanceof Error ? reason.message : String(reason));
});

/**
 * A browser started under LANG=C says "en-US@posix", which Intl refuses (RFC 5646 §2.1), and libraries ask Intl for
 * numbers in that language as they load. The pages are in English.
 */
function sayLanguage(): void {
  try {
    Intl.getCanonicalLocales(navigator.language);
  } catch {
    Object.defineProperty(navigator, 'language', { value: 'en' });
  }
}

/** Says on the page what nothing else has caught. */
function tellFault(message: string): void {
  const notice = make(
    'p',
    'notice bad',
    make('strong', null, 'This page has a fault.'),
    ` ${message} Load it anew, please.`,
  );
  notice.setAttribute('role', 'alert');
  const main = document.querySelector('main');
  main?.insertBefore(notice, main.firstChild);
}
