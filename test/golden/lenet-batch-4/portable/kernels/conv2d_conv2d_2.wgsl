// conv2d_conv2d_2: conv2d, conv2d @ lenet.ts:7:7
@group(0) @binding(0) var<storage, read_write> maxPool2d_y: array<f32, 15680>;
@group(0) @binding(1) var<storage, read> conv2d_weight: array<f32, 25000>;
@group(0) @binding(2) var<storage, read> conv2d_bias: array<f32, 50>;
@group(0) @binding(3) var<storage, read_write> conv2d: array<f32, 20000>;
var<workgroup> sharedA: array<f32, 512>;
var<workgroup> sharedB: array<f32, 512>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) localIndex: u32, @builtin(workgroup_id) workgroupId: vec3<u32>) {
  let local = i32(localIndex);
  let workgroupX = i32(workgroupId.x);
  let workgroupZ = i32(workgroupId.z);
  let thread = local;
  let tile = workgroupX;
  let columnTile = tile % 2;
  let rowTile = tile / 2;
  var acc_0_0 = 0f;
  var acc_0_1 = 0f;
  var acc_0_2 = 0f;
  var acc_0_3 = 0f;
  var acc_1_0 = 0f;
  var acc_1_1 = 0f;
  var acc_1_2 = 0f;
  var acc_1_3 = 0f;
  var acc_2_0 = 0f;
  var acc_2_1 = 0f;
  var acc_2_2 = 0f;
  var acc_2_3 = 0f;
  var acc_3_0 = 0f;
  var acc_3_1 = 0f;
  var acc_3_2 = 0f;
  var acc_3_3 = 0f;
  let i_1 = thread % 16;
  let i_3 = thread % 16 * 32 + thread / 16;
  let i_4 = thread % 32 + thread / 32 * 50 + columnTile * 32;
  let i_6 = thread / 32;
  let i_8 = thread % 8 * 4;
  let i_10 = thread / 8 * 4;
  for (var block = 0; block < workgroupZ + 32; block++) {
    let i = (thread % 16 + block * 16) % 100 + (thread % 16 + block * 16) / 100 * 280;
    let i_2 = i_1 + block * 16;
    for (var t = 0; t < workgroupZ + 8; t++) {
      let x = maxPool2d_y[i + (thread / 16 + rowTile * 32 + t * 4) / 10 % 10 * 280 + (thread / 16 + rowTile * 32 + t * 4) % 10 * 20 + (rowTile * 8 + t) / 25 * 3920];
      sharedA[i_3 + t * 4] = select(0f, x, i_2 < 500);
    }
    let i_5 = i_4 + block * 800;
    let i_7 = i_6 + block * 16;
    for (var t_1 = 0; t_1 < workgroupZ + 8; t_1++) {
      let x_1 = conv2d_weight[i_5 + t_1 * 100];
      sharedB[thread + t_1 * 64] = select(0f, x_1, i_7 + t_1 * 2 < 500);
    }
    workgroupBarrier();
    for (var k = 0; k < workgroupZ + 16; k++) {
      var b_0 = 0f;
      var b_1 = 0f;
      var b_2 = 0f;
      var b_3 = 0f;
      let i_9 = i_8 + k * 32;
      b_0 = sharedB[i_9 + 0];
      b_1 = sharedB[i_9 + 1];
      b_2 = sharedB[i_9 + 2];
      b_3 = sharedB[i_9 + 3];
      let i_11 = i_10 + k * 32;
      {
        let a = sharedA[i_11 + 0];
        acc_0_0 = fma(a, b_0, acc_0_0);
        acc_0_1 = fma(a, b_1, acc_0_1);
        acc_0_2 = fma(a, b_2, acc_0_2);
        acc_0_3 = fma(a, b_3, acc_0_3);
      }
      {
        let a = sharedA[i_11 + 1];
        acc_1_0 = fma(a, b_0, acc_1_0);
        acc_1_1 = fma(a, b_1, acc_1_1);
        acc_1_2 = fma(a, b_2, acc_1_2);
        acc_1_3 = fma(a, b_3, acc_1_3);
      }
      {
        let a = sharedA[i_11 + 2];
        acc_2_0 = fma(a, b_0, acc_2_0);
        acc_2_1 = fma(a, b_1, acc_2_1);
        acc_2_2 = fma(a, b_2, acc_2_2);
        acc_2_3 = fma(a, b_3, acc_2_3);
      }
      {
        let a = sharedA[i_11 + 3];
        acc_3_0 = fma(a, b_0, acc_3_0);
        acc_3_1 = fma(a, b_1, acc_3_1);
        acc_3_2 = fma(a, b_2, acc_3_2);
        acc_3_3 = fma(a, b_3, acc_3_3);
      }
    }
    workgroupBarrier();
  }
  let i_12 = thread % 8 * 4 + columnTile * 32;
  let i_13 = thread / 8 * 4 + rowTile * 32;
  let i_14 = thread % 8 * 4 + thread / 8 * 200 + rowTile * 1600 + columnTile * 32;
  if (i_12 + 0 < 50) {
    let x_2 = conv2d_bias[i_12 + 0];
    if (i_13 + 0 < 400) {
      let t_2 = acc_0_0 + x_2;
      conv2d[i_14 + 0 + 0] = t_2;
    }
    if (i_13 + 1 < 400) {
      let t_2 = acc_1_0 + x_2;
      conv2d[i_14 + 0 + 50] = t_2;
    }
    if (i_13 + 2 < 400) {
      let t_2 = acc_2_0 + x_2;
      conv2d[i_14 + 0 + 100] = t_2;
    }
    if (i_13 + 3 < 400) {
      let t_2 = acc_3_0 + x_2;
      conv2d[i_14 + 0 + 150] = t_2;
    }
  }
  if (i_12 + 1 < 50) {
    let x_2 = conv2d_bias[i_12 + 1];
    if (i_13 + 0 < 400) {
      let t_2 = acc_0_1 + x_2;
      conv2d[i_14 + 1 + 0] = t_2;
    }
    if (i_13 + 1 < 400) {
      let t_2 = acc_1_1 + x_2;
      conv2d[i_14 + 1 + 50] = t_2;
    }
    if (i_13 + 2 < 400) {
      let t_2 = acc_2_1 + x_2;
      conv2d[i_14 + 1 + 100] = t_2;
    }
    if (i_13 + 3 < 400) {
      let t_2 = acc_3_1 + x_2;
      conv2d[i_14 + 1 + 150] = t_2;
    }
  }
  if (i_12 + 2 < 50) {
    let x_2 = conv2d_bias[i_12 + 2];
    if (i_13 + 0 < 400) {
      let t_2 = acc_0_2 + x_2;
      conv2d[i_14 + 2 + 0] = t_2;
    }
    if (i_13 + 1 < 400) {
      let t_2 = acc_1_2 + x_2;
      conv2d[i_14 + 2 + 50] = t_2;
    }
    if (i_13 + 2 < 400) {
      let t_2 = acc_2_2 + x_2;
      conv2d[i_14 + 2 + 100] = t_2;
    }
    if (i_13 + 3 < 400) {
      let t_2 = acc_3_2 + x_2;
      conv2d[i_14 + 2 + 150] = t_2;
    }
  }
  if (i_12 + 3 < 50) {
    let x_2 = conv2d_bias[i_12 + 3];
    if (i_13 + 0 < 400) {
      let t_2 = acc_0_3 + x_2;
      conv2d[i_14 + 3 + 0] = t_2;
    }
    if (i_13 + 1 < 400) {
      let t_2 = acc_1_3 + x_2;
      conv2d[i_14 + 3 + 50] = t_2;
    }
    if (i_13 + 2 < 400) {
      let t_2 = acc_2_3 + x_2;
      conv2d[i_14 + 3 + 100] = t_2;
    }
    if (i_13 + 3 < 400) {
      let t_2 = acc_3_3 + x_2;
      conv2d[i_14 + 3 + 150] = t_2;
    }
  }
}
