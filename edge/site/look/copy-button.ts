const thanksMs = 2000;

/** Makes a button put a text on the clipboard, and say so for a moment. */
export function copyOnClick(button: HTMLButtonElement, text: () => string): void {
  const label = button.textContent;
  button.addEventListener('click', async () => {
    button.textContent = await navigator.clipboard.writeText(text()).then(
      () => 'Copied',
      () => 'Not allowed; select it by hand', // the browser may refuse, most of all without https
    );
    setTimeout(() => (button.textContent = label), thanksMs);
  });
}
