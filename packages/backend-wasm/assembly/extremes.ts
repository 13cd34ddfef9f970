/** Maxima and minima of float32s along an axis. NaN wins over every number; of zeros +0 is the larger. */

@unmanaged
class Largest {
  @inline
  of(a: v128, b: v128): v128 {
    return f32x4.max(a, b);
  }

  @inline
  ofTwo(a: f32, b: f32): f32 {
    return max<f32>(a, b);
  }
}

@unmanaged
class Smallest {
  @inline
  of(a: v128, b: v128): v128 {
    return f32x4.min(a, b);
  }

  @inline
  ofTwo(a: f32, b: f32): f32 {
    return min<f32>(a, b);
  }
}

function alongRows<Extreme>(x: usize, y: usize, rows: i32, columns: i32): void {
  const extreme = changetype<Extreme>(0);
  for (let i = 0; i < rows; i++) {
    const end = x + ((<usize>columns) << 2);
    let e = v128.load32_splat(x);
    if (columns >= 16) {
      let e1 = e;
      let e2 = e;
      let e3 = e;
      for (; x + 64 <= end; x += 64) {
        e = extreme.of(e, v128.load(x));
        e1 = extreme.of(e1, v128.load(x, 16));
        e2 = extreme.of(e2, v128.load(x, 32));
        e3 = extreme.of(e3, v128.load(x, 48));
      }
      e = extreme.of(extreme.of(e, e1), extreme.of(e2, e3));
    }
    for (; x + 16 <= end; x += 16) e = extreme.of(e, v128.load(x));
    let best = extreme.ofTwo(
      extreme.ofTwo(f32x4.extract_lane(e, 0), f32x4.extract_lane(e, 1)),
      extreme.ofTwo(f32x4.extract_lane(e, 2), f32x4.extract_lane(e, 3)),
    );
    for (; x < end; x += 4) best = extreme.ofTwo(best, load<f32>(x));
    store<f32>(y, best);
    y += 4;
  }
}

function overRows<Extreme>(x: usize, y: usize, outer: i32, rows: i32, columns: i32): void {
  const extreme = changetype<Extreme>(0);
  const stride = (<usize>columns) << 2;
  for (let o = 0; o < outer; o++) {
    const end = x + <usize>rows * stride;
    let j = 0;
    for (; j + 16 <= columns; j += 16) {
      let p = x + ((<usize>j) << 2);
      let e0 = v128.load(p);
      let e1 = v128.load(p, 16);
      let e2 = v128.load(p, 32);
      let e3 = v128.load(p, 48);
      for (p += stride; p < end; p += stride) {
        e0 = extreme.of(e0, v128.load(p));
        e1 = extreme.of(e1, v128.load(p, 16));
        e2 = extreme.of(e2, v128.load(p, 32));
        e3 = extreme.of(e3, v128.load(p, 48));
      }
      const target = y + ((<usize>j) << 2);
      v128.store(target, e0);
      v128.store(target, e1, 16);
      v128.store(target, e2, 32);
      v128.store(target, e3, 48);
    }
    for (; j + 4 <= columns; j += 4) {
      let p = x + ((<usize>j) << 2);
      let e = v128.load(p);
      for (p += stride; p < end; p += stride) e = extreme.of(e, v128.load(p));
      v128.store(y + ((<usize>j) << 2), e);
    }
    for (; j < columns; j++) {
      let p = x + ((<usize>j) << 2);
      let e = load<f32>(p);
      for (p += stride; p < end; p += stride) e = extreme.ofTwo(e, load<f32>(p));
      store<f32>(y + ((<usize>j) << 2), e);
    }
    x = end;
    y += stride;
  }
}

/** y[i] = maxⱼ x[i, j] over `rows`×`columns`; at least one column. */
export function maxAlongRows(x: usize, y: usize, rows: i32, columns: i32): void {
  alongRows<Largest>(x, y, rows, columns);
}

/** y[i] = minⱼ x[i, j] over `rows`×`columns`; at least one column. */
export function minAlongRows(x: usize, y: usize, rows: i32, columns: i32): void {
  alongRows<Smallest>(x, y, rows, columns);
}

/** y[o, j] = maxᵢ x[o, i, j] over `outer`×`rows`×`columns`; at least one row. */
export function maxOverRows(x: usize, y: usize, outer: i32, rows: i32, columns: i32): void {
  overRows<Largest>(x, y, outer, rows, columns);
}

/** y[o, j] = minᵢ x[o, i, j] over `outer`×`rows`×`columns`; at least one row. */
export function minOverRows(x: usize, y: usize, outer: i32, rows: i32, columns: i32): void {
  overRows<Smallest>(x, y, outer, rows, columns);
}
