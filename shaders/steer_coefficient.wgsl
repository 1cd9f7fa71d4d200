// The end of a step for the state of a sparsity penalty. One thread.
// CONTROL: the logarithm of the coefficient's factor follows the error e = log(L0 / target):
//   smooth += beta (e - smooth), integral += gain share smooth, control = integral + damping smooth
// where share is how far the coefficient's schedule has come, so that nothing piles up during the
// warm-up. The damping answers at once and fades with the error; the integral removes what is left.
// Large errors are bounded in both: at the start L0 is far off and cannot come down at once, and a
// coefficient that has grown meanwhile would kill latents. ANNEAL: remembers the penalty of this batch at the
// exponent in force and at the next, for the last HISTORY steps.
struct Dims {
  goal: f32,        // L0 that is wanted
  gain: f32,
  damping: f32,
  beta: f32,
  full: f32,        // the schedule's largest coefficient
  least: f32,       // what an L0 of 0 counts as
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> step: array<f32>;
@group(0) @binding(2) var<storage, read> scalars: array<f32>;
@group(0) @binding(3) var<storage, read> totals: array<f32>;
@group(0) @binding(4) var<storage, read_write> state: array<f32>;

const MOST = 20.0;
// Errors count as these at most. Found on models of training: lags and bounded speeds of all sizes.
const SLOW = 0.2;
const FAST = 0.3;

@compute @workgroup_size(1)
fn main() {
  //#if CONTROL
  let error = log(max(scalars[{{L0}}], dims.least) / dims.goal);
  let before = select(error, state[{{SMOOTH}}], state[{{STARTED}}] != 0.0);
  let smooth_ = fma(dims.beta, error - before, before);
  let share = clamp(step[{{STEP_COEFFICIENT}}] / dims.full, 0.0, 1.0);
  let more = dims.gain * share * clamp(smooth_, -SLOW, SLOW);
  let integral = clamp(state[{{INTEGRAL}}] + more, -MOST, MOST);
  state[{{SMOOTH}}] = smooth_;
  state[{{STARTED}}] = 1.0;
  state[{{INTEGRAL}}] = integral;
  state[{{CONTROL_WORD}}] = integral + dims.damping * share * clamp(smooth_, -FAST, FAST);
  //#end
  //#if ANNEAL
  let known = u32(state[{{KNOWN}}]);
  let at = {{FIRST}}u + 2u * (known % {{HISTORY}}u);
  state[at] = totals[0];
  state[at + 1u] = totals[1];
  // Counting on without end would leave the whole numbers that a float can hold.
  let count = known + 1u;
  state[{{KNOWN}}] = f32(select(count, count - {{HISTORY}}u, count >= 2u * {{HISTORY}}u));
  //#end
}
