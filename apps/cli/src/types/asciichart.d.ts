/** The part of asciichart 1.5 that the terminal charts use; the package has no types of its own. */
declare module 'asciichart' {
  interface PlotConfig {
    readonly height?: number;
    readonly min?: number;
    readonly max?: number;
    readonly colors?: readonly string[];
    readonly format?: (value: number, index: number) => string;
  }
  const asciichart: {
    readonly blue: string;
    readonly red: string;
    readonly green: string;
    readonly yellow: string;
    readonly magenta: string;
    readonly cyan: string;
    plot(series: readonly (readonly number[])[], config?: PlotConfig): string;
  };
  export default asciichart;
}
