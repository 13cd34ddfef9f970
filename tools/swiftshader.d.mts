export declare function findSwiftShader(): Promise<
  | { readonly env: Readonly<Record<string, string>>; readonly reason?: undefined }
  | { readonly reason: string }
>;
