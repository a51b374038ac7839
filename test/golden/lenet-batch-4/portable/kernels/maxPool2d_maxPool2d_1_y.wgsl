// maxPool2d_maxPool2d_1_y: maxPool2d, relu @ lenet.ts:6:7 @ lenet.ts:5:7
@group(0) @binding(0) var<storage, read_write> conv2d: array<vec4<f32>, 15680>;
@group(0) @binding(1) var<storage, read_write> maxPool2d_winner: array<vec4<u32>, 3920>;
@group(0) @binding(2) var<storage, read_write> maxPool2d_y: array<vec4<f32>, 3920>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroupId: vec3<u32>, @builtin(local_invocation_index) localIndex: u32) {
  let workgroupX = i32(workgroupId.x);
  let local = i32(localIndex);
  let element = workgroupX * 64 + local;
  let i = element / 5 % 14 * 10 + element % 5 + element / 70 * 280;
  if (element < 3920) {
    var firstMax = vec4<f32>(-3.4028234663852886e+38f);
    var position = vec4<u32>(0u);
    {
      let x = conv2d[i + 0 + 0];
      let better = firstMax < x;
      position = select(position, vec4<u32>(u32(0)), better);
      firstMax = max(firstMax, x);
    }
    {
      let x = conv2d[i + 0 + 5];
      let better = firstMax < x;
      position = select(position, vec4<u32>(u32(1)), better);
      firstMax = max(firstMax, x);
    }
    {
      let x = conv2d[i + 140 + 0];
      let better = firstMax < x;
      position = select(position, vec4<u32>(u32(2)), better);
      firstMax = max(firstMax, x);
    }
    {
      let x = conv2d[i + 140 + 5];
      let better = firstMax < x;
      position = select(position, vec4<u32>(u32(3)), better);
      firstMax = max(firstMax, x);
    }
    let t = max(firstMax, vec4<f32>(0f));
    maxPool2d_winner[element] = position;
    maxPool2d_y[element] = t;
  }
}
