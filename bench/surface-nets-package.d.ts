/** The two packages that the surface bench compares with bring no types. */
declare module 'ndarray' {
  export type NdArray = { data: Float32Array; shape: number[] };
  export default function ndarray(data: Float32Array, shape: number[]): NdArray;
}
declare module 'surface-nets' {
  import type { NdArray } from 'ndarray';
  export default function surfaceNets(
    array: NdArray,
    level: number,
  ): { positions: [number, number, number][]; cells: [number, number, number][] };
}
