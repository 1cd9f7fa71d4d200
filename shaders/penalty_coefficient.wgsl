// Coefficient of the sparsity penalty in this step: that of the schedule times what its state says,
//   coefficient = step * exp(start + control + anneal).
// ANNEAL: when the exponent changes, anneal grows by log(mean penalty at the old one / mean penalty
// at the new one) over the last steps, so that coefficient times penalty does not jump
// (architectures spec, section 5).
// COUNT: the penalty is the mean number of active latents, which trains only thresholds; with
// TARGET it is (L0 / target - 1)^2, and what acts on L0 is its derivative, 2 (L0 / target - 1) /
// target (section 4.3). Both losses are made here. Penalties are divided by the rows of the batch:
// where some do not count, the coefficient makes up for it. One thread.
struct Dims {
  rows: f32,        // rows of the batch
  place: u32,       // place of the number of entries in offsets
  goal: f32,        // L0 that is wanted
  start: f32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> step: array<f32>;
@group(0) @binding(2) var<storage, read> offsets: array<u32>;
@group(0) @binding(3) var<storage, read_write> state: array<f32>;
@group(0) @binding(4) var<storage, read_write> scalars: array<f32>;

@compute @workgroup_size(1)
fn main() {
  //#if ANNEAL
  let before = state[{{EXPONENT}}];
  let now = step[{{STEP_EXPONENT}}];
  if (before != now) {
    let known = u32(state[{{KNOWN}}]);
    var old = 0.0;
    var new_ = 0.0;
    for (var i = 0u; i < min(known, {{HISTORY}}u); i++) {
      old += state[{{FIRST}}u + 2u * i];
      new_ += state[{{FIRST}}u + 2u * i + 1u];
    }
    if (before != 0.0 && old > 0.0 && new_ > 0.0) { state[{{LOG_ANNEAL}}] += log(old / new_); }
    state[{{EXPONENT}}] = now;
    state[{{KNOWN}}] = 0.0;
  }
  //#end
  let factor = exp(dims.start + state[{{CONTROL}}] + state[{{LOG_ANNEAL}}]);
  let counted = dims.rows - f32(bitcast<u32>(step[{{LEFT_OUT}}]));
  var coefficient = step[{{STEP_COEFFICIENT}}] * factor;
  //#if COUNT
  let active_ = f32(offsets[dims.place]) / counted;
  //#if TARGET
  let off = active_ / dims.goal - 1.0;
  scalars[{{LOSS}}] = coefficient * off * off;
  coefficient *= 2.0 * off / dims.goal;
  //#else
  scalars[{{LOSS}}] = coefficient * active_;
  //#end
  //#end
  scalars[{{COEFFICIENT}}] = coefficient * (dims.rows / counted);
}
