// The weight of a step in the average of the schedule-free method: c = w / sum of all w, where w is
// the square of the largest learning rate so far. State: that rate, the sum of the weights in units
// of the newest (1, 2, 3, ... for a constant rate), c, and the number of steps with a rate above 0.
// One thread. Source: architectures spec section 13.1, after Defazio et al. 2024.
@group(0) @binding(0) var<storage, read> step: array<f32>;
@group(0) @binding(1) var<storage, read_write> average: array<f32>;

@compute @workgroup_size(1)
fn main() {
  let before = average[{{MOST}}];
  let most = max(before, step[{{LR_WORD}}]);
  if (most <= 0.0) { return; }
  let ratio = before / most;
  let weights = fma(average[{{WEIGHTS}}] * ratio, ratio, 1.0);
  average[{{MOST}}] = most;
  average[{{WEIGHTS}}] = weights;
  average[{{SHARE}}] = 1.0 / weights;
  average[{{STEPS}}] += 1.0;
}
