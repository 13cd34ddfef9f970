/** Applies an operation to every element; the operation is a type, so that it is compiled into the loop. */

/** y[i] = Operation(x[i]) for `count` float32s; y may be x. */
export function map<Operation>(x: usize, y: usize, count: i32): void {
  const operation = changetype<Operation>(0);
  const end = x + ((<usize>count) << 2);
  const whole = x + ((<usize>(count & ~3)) << 2);
  while (x < whole) {
    v128.store(y, operation.of(v128.load(x)));
    x += 16;
    y += 16;
  }
  while (x < end) {
    v128.store32_lane(y, operation.of(v128.load32_splat(x)), 0);
    x += 4;
    y += 4;
  }
}
