/** What Vite makes of the import of a file as a URL. */
declare module '*.wasm?url' {
  const url: string;
  export default url;
}
