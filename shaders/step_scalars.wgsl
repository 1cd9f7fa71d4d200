// Clip factor min(1, limit / norm) from the squares of all gradients, and one row of the metrics
// ring. One thread. latentSquares holds four partial sums. A limit of 0 means no clipping.
struct Dims {
  limit: f32,
  alpha: f32,
  rows: f32,       // rows of the batch
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> step: array<f32>;
@group(0) @binding(2) var<storage, read> latentSquares: array<vec4f>;
@group(0) @binding(3) var<storage, read> biasSquares: array<f32>;
@group(0) @binding(4) var<storage, read> activeCount: array<u32>;
@group(0) @binding(5) var<storage, read> deadCount: array<u32>;
@group(0) @binding(6) var<storage, read_write> scalars: array<f32>;
@group(0) @binding(7) var<storage, read_write> ring: array<f32>;

@compute @workgroup_size(1)
fn main() {
  let norm = sqrt(dot(latentSquares[0], vec4f(1.0)) + biasSquares[0]);
  let tooLong = dims.limit > 0.0 && norm > dims.limit;
  scalars[{{CLIP}}] = select(1.0, dims.limit / norm, tooLong);
  let at = bitcast<u32>(step[{{SLOT_WORD}}]) * {{RING_WORDS}}u;
  ring[at] = scalars[{{FVU}}] + dims.alpha * scalars[{{AUX_LOSS}}];
  ring[at + 1u] = scalars[{{FVU}}];
  ring[at + 2u] = scalars[{{AUX_LOSS}}];
  ring[at + 3u] = f32(activeCount[{{ACTIVE_PLACE}}]) / dims.rows;
  ring[at + 4u] = f32(deadCount[{{DEAD_PLACE}}]);
  ring[at + 5u] = norm;
  ring[at + 6u] = scalars[{{SQUARED_ERROR}}];
  ring[at + 7u] = scalars[{{SPREAD}}];
}
