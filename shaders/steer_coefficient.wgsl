// The end of a step for the state of a sparsity penalty. One thread.
// CONTROL: log L0 is led from where it begins to the goal, on a parabola that ends flat after
// `descent` steps, and the logarithm of the coefficient's factor follows the distance e from it:
//   smooth += beta (e - smooth), slow += slowBeta (smooth - slow)
//   ahead = smooth + (smooth - slow), where e will be in a while if it goes on as it does
//   integral += gain share ahead, control = integral + damping share ahead
// where share is how far the coefficient's schedule has come, so that nothing piles up during the
// warm-up. The damping answers at once and fades with the error; the integral removes what is left.
// Course, bounds and the look ahead keep the coefficient from growing while L0 cannot follow at
// once: that would kill latents for good. ANNEAL: remembers the penalty of this batch at the
// exponent in force and at the next, for the last HISTORY steps.
struct Dims {
  goal: f32,        // L0 that is wanted
  descent: f32,     // steps until it is
  gain: f32,
  damping: f32,
  beta: f32,
  slowBeta: f32,
  full: f32,        // the schedule's largest coefficient
  least: f32,       // what an L0 of 0 counts as
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> step: array<u32>;
@group(0) @binding(2) var<storage, read> scalars: array<f32>;
@group(0) @binding(3) var<storage, read> totals: array<f32>;
@group(0) @binding(4) var<storage, read_write> state: array<f32>;

const MOST = 20.0;
// What is ahead counts as these at most; as less where it raises the coefficient, in the integral
// and in what acts at once, since too few active latents are the worse error.
const BOUND = 1.0;
const RISE = 0.3;
const PUSH = 0.4;

@compute @workgroup_size(1)
fn main() {
  //#if CONTROL
  let far = log(max(scalars[{{L0}}], dims.least) / dims.goal);
  let new_ = state[{{STARTED}}] == 0.0;
  if (new_) { state[{{FIRST_ERROR}}] = max(far, 0.0); }
  let left = max(0.0, 1.0 - f32(step[{{NUMBER}}]) / dims.descent);
  let error = far - left * left * state[{{FIRST_ERROR}}];
  let before = select(state[{{SMOOTH}}], error, new_);
  let smooth_ = fma(dims.beta, error - before, before);
  let slowBefore = select(state[{{SLOW}}], error, new_);
  let slow = fma(dims.slowBeta, smooth_ - slowBefore, slowBefore);
  let ahead = smooth_ + (smooth_ - slow);
  let share = clamp(bitcast<f32>(step[{{STEP_COEFFICIENT}}]) / dims.full, 0.0, 1.0);
  let more = dims.gain * share * clamp(ahead, -BOUND, RISE);
  let integral = clamp(state[{{INTEGRAL}}] + more, -MOST, MOST);
  state[{{SMOOTH}}] = smooth_;
  state[{{SLOW}}] = slow;
  state[{{STARTED}}] = 1.0;
  state[{{INTEGRAL}}] = integral;
  state[{{CONTROL_WORD}}] = integral + dims.damping * share * clamp(ahead, -BOUND, PUSH);
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
