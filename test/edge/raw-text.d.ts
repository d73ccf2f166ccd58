/** A file's text, as vite gives it for an import that ends in `?raw`. */
declare module '*?raw' {
  const text: string;
  export default text;
}
