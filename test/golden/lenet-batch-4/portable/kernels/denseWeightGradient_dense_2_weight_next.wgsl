// denseWeightGradient_dense_2_weight_next: denseWeightGradient, sgd, sgd @ lenet.ts:10:10
@group(0) @binding(0) var<storage, read_write> relu: array<f32, 2000>;
@group(0) @binding(1) var<storage, read_write> d_dense: array<f32, 40>;
@group(0) @binding(2) var<storage, read_write> dense_weight_velocity: array<f32, 5000>;
@group(0) @binding(3) var<storage, read_write> dense_weight: array<f32, 5000>;
struct Uniforms { seed: u32, step: u32, lr: f32, momentum: f32, weightDecay: f32, pictureHeight: i32, pictureWidth: i32 }
@group(0) @binding(4) var<uniform> uniforms: Uniforms;
var<workgroup> sharedA: array<f32, 512>;
var<workgroup> sharedB: array<f32, 512>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) localIndex: u32, @builtin(workgroup_id) workgroupId: vec3<u32>) {
  let local = i32(localIndex);
  let workgroupX = i32(workgroupId.x);
  let workgroupZ = i32(workgroupId.z);
  let thread = local;
  let tile = workgroupX;
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
  let i = thread % 32 + thread / 32 * 500 + tile * 32;
  let i_1 = thread / 32;
  let i_2 = thread % 32 + thread / 32 * 10;
  let i_3 = thread % 8 * 4;
  let i_5 = thread / 8 * 4;
  for (var block = 0; block < workgroupZ + 1; block++) {
    for (var t = 0; t < workgroupZ + 8; t++) {
      let x = relu[i + t * 1000];
      sharedA[thread + t * 64] = select(0f, x, i_1 + t * 2 < 4);
    }
    for (var t_1 = 0; t_1 < workgroupZ + 8; t_1++) {
      let x_1 = d_dense[i_2 + t_1 * 20];
      sharedB[thread + t_1 * 64] = select(0f, x_1, i_1 + t_1 * 2 < 4);
    }
    workgroupBarrier();
    for (var k = 0; k < workgroupZ + 16; k++) {
      var b_0 = 0f;
      var b_1 = 0f;
      var b_2 = 0f;
      var b_3 = 0f;
      let i_4 = i_3 + k * 32;
      b_0 = sharedB[i_4 + 0];
      b_1 = sharedB[i_4 + 1];
      b_2 = sharedB[i_4 + 2];
      b_3 = sharedB[i_4 + 3];
      let i_6 = i_5 + k * 32;
      {
        let a = sharedA[i_6 + 0];
        acc_0_0 = fma(a, b_0, acc_0_0);
        acc_0_1 = fma(a, b_1, acc_0_1);
        acc_0_2 = fma(a, b_2, acc_0_2);
        acc_0_3 = fma(a, b_3, acc_0_3);
      }
      {
        let a = sharedA[i_6 + 1];
        acc_1_0 = fma(a, b_0, acc_1_0);
        acc_1_1 = fma(a, b_1, acc_1_1);
        acc_1_2 = fma(a, b_2, acc_1_2);
        acc_1_3 = fma(a, b_3, acc_1_3);
      }
      {
        let a = sharedA[i_6 + 2];
        acc_2_0 = fma(a, b_0, acc_2_0);
        acc_2_1 = fma(a, b_1, acc_2_1);
        acc_2_2 = fma(a, b_2, acc_2_2);
        acc_2_3 = fma(a, b_3, acc_2_3);
      }
      {
        let a = sharedA[i_6 + 3];
        acc_3_0 = fma(a, b_0, acc_3_0);
        acc_3_1 = fma(a, b_1, acc_3_1);
        acc_3_2 = fma(a, b_2, acc_3_2);
        acc_3_3 = fma(a, b_3, acc_3_3);
      }
    }
    workgroupBarrier();
  }
  let i_7 = thread / 8 * 4 + tile * 32;
  let i_8 = thread % 8 * 4 + thread / 8 * 40 + tile * 320;
  if (i_3 + 0 < 10) {
    if (i_7 + 0 < 500) {
      let x_2 = dense_weight_velocity[i_8 + 0 + 0];
      let x_3 = dense_weight[i_8 + 0 + 0];
      let t_2 = fma(uniforms.weightDecay, x_3, acc_0_0);
      let t_3 = fma(uniforms.momentum, x_2, t_2);
      let t_4 = uniforms.lr * t_3;
      let t_5 = x_3 - t_4;
      dense_weight_velocity[i_8 + 0 + 0] = t_3;
      dense_weight[i_8 + 0 + 0] = t_5;
    }
    if (i_7 + 1 < 500) {
      let x_2 = dense_weight_velocity[i_8 + 0 + 10];
      let x_3 = dense_weight[i_8 + 0 + 10];
      let t_2 = fma(uniforms.weightDecay, x_3, acc_1_0);
      let t_3 = fma(uniforms.momentum, x_2, t_2);
      let t_4 = uniforms.lr * t_3;
      let t_5 = x_3 - t_4;
      dense_weight_velocity[i_8 + 0 + 10] = t_3;
      dense_weight[i_8 + 0 + 10] = t_5;
    }
    if (i_7 + 2 < 500) {
      let x_2 = dense_weight_velocity[i_8 + 0 + 20];
      let x_3 = dense_weight[i_8 + 0 + 20];
      let t_2 = fma(uniforms.weightDecay, x_3, acc_2_0);
      let t_3 = fma(uniforms.momentum, x_2, t_2);
      let t_4 = uniforms.lr * t_3;
      let t_5 = x_3 - t_4;
      dense_weight_velocity[i_8 + 0 + 20] = t_3;
      dense_weight[i_8 + 0 + 20] = t_5;
    }
    if (i_7 + 3 < 500) {
      let x_2 = dense_weight_velocity[i_8 + 0 + 30];
      let x_3 = dense_weight[i_8 + 0 + 30];
      let t_2 = fma(uniforms.weightDecay, x_3, acc_3_0);
      let t_3 = fma(uniforms.momentum, x_2, t_2);
      let t_4 = uniforms.lr * t_3;
      let t_5 = x_3 - t_4;
      dense_weight_velocity[i_8 + 0 + 30] = t_3;
      dense_weight[i_8 + 0 + 30] = t_5;
    }
  }
  if (i_3 + 1 < 10) {
    if (i_7 + 0 < 500) {
      let x_2 = dense_weight_velocity[i_8 + 1 + 0];
      let x_3 = dense_weight[i_8 + 1 + 0];
      let t_2 = fma(uniforms.weightDecay, x_3, acc_0_1);
      let t_3 = fma(uniforms.momentum, x_2, t_2);
      let t_4 = uniforms.lr * t_3;
      let t_5 = x_3 - t_4;
      dense_weight_velocity[i_8 + 1 + 0] = t_3;
      dense_weight[i_8 + 1 + 0] = t_5;
    }
    if (i_7 + 1 < 500) {
      let x_2 = dense_weight_velocity[i_8 + 1 + 10];
      let x_3 = dense_weight[i_8 + 1 + 10];
      let t_2 = fma(uniforms.weightDecay, x_3, acc_1_1);
      let t_3 = fma(uniforms.momentum, x_2, t_2);
      let t_4 = uniforms.lr * t_3;
      let t_5 = x_3 - t_4;
      dense_weight_velocity[i_8 + 1 + 10] = t_3;
      dense_weight[i_8 + 1 + 10] = t_5;
    }
    if (i_7 + 2 < 500) {
      let x_2 = dense_weight_velocity[i_8 + 1 + 20];
      let x_3 = dense_weight[i_8 + 1 + 20];
      let t_2 = fma(uniforms.weightDecay, x_3, acc_2_1);
      let t_3 = fma(uniforms.momentum, x_2, t_2);
      let t_4 = uniforms.lr * t_3;
      let t_5 = x_3 - t_4;
      dense_weight_velocity[i_8 + 1 + 20] = t_3;
      dense_weight[i_8 + 1 + 20] = t_5;
    }
    if (i_7 + 3 < 500) {
      let x_2 = dense_weight_velocity[i_8 + 1 + 30];
      let x_3 = dense_weight[i_8 + 1 + 30];
      let t_2 = fma(uniforms.weightDecay, x_3, acc_3_1);
      let t_3 = fma(uniforms.momentum, x_2, t_2);
      let t_4 = uniforms.lr * t_3;
      let t_5 = x_3 - t_4;
      dense_weight_velocity[i_8 + 1 + 30] = t_3;
      dense_weight[i_8 + 1 + 30] = t_5;
    }
  }
  if (i_3 + 2 < 10) {
    if (i_7 + 0 < 500) {
      let x_2 = dense_weight_velocity[i_8 + 2 + 0];
      let x_3 = dense_weight[i_8 + 2 + 0];
      let t_2 = fma(uniforms.weightDecay, x_3, acc_0_2);
      let t_3 = fma(uniforms.momentum, x_2, t_2);
      let t_4 = uniforms.lr * t_3;
      let t_5 = x_3 - t_4;
      dense_weight_velocity[i_8 + 2 + 0] = t_3;
      dense_weight[i_8 + 2 + 0] = t_5;
    }
    if (i_7 + 1 < 500) {
      let x_2 = dense_weight_velocity[i_8 + 2 + 10];
      let x_3 = dense_weight[i_8 + 2 + 10];
      let t_2 = fma(uniforms.weightDecay, x_3, acc_1_2);
      let t_3 = fma(uniforms.momentum, x_2, t_2);
      let t_4 = uniforms.lr * t_3;
      let t_5 = x_3 - t_4;
      dense_weight_velocity[i_8 + 2 + 10] = t_3;
      dense_weight[i_8 + 2 + 10] = t_5;
    }
    if (i_7 + 2 < 500) {
      let x_2 = dense_weight_velocity[i_8 + 2 + 20];
      let x_3 = dense_weight[i_8 + 2 + 20];
      let t_2 = fma(uniforms.weightDecay, x_3, acc_2_2);
      let t_3 = fma(uniforms.momentum, x_2, t_2);
      let t_4 = uniforms.lr * t_3;
      let t_5 = x_3 - t_4;
      dense_weight_velocity[i_8 + 2 + 20] = t_3;
      dense_weight[i_8 + 2 + 20] = t_5;
    }
    if (i_7 + 3 < 500) {
      let x_2 = dense_weight_velocity[i_8 + 2 + 30];
      let x_3 = dense_weight[i_8 + 2 + 30];
      let t_2 = fma(uniforms.weightDecay, x_3, acc_3_2);
      let t_3 = fma(uniforms.momentum, x_2, t_2);
      let t_4 = uniforms.lr * t_3;
      let t_5 = x_3 - t_4;
      dense_weight_velocity[i_8 + 2 + 30] = t_3;
      dense_weight[i_8 + 2 + 30] = t_5;
    }
  }
  if (i_3 + 3 < 10) {
    if (i_7 + 0 < 500) {
      let x_2 = dense_weight_velocity[i_8 + 3 + 0];
      let x_3 = dense_weight[i_8 + 3 + 0];
      let t_2 = fma(uniforms.weightDecay, x_3, acc_0_3);
      let t_3 = fma(uniforms.momentum, x_2, t_2);
      let t_4 = uniforms.lr * t_3;
      let t_5 = x_3 - t_4;
      dense_weight_velocity[i_8 + 3 + 0] = t_3;
      dense_weight[i_8 + 3 + 0] = t_5;
    }
    if (i_7 + 1 < 500) {
      let x_2 = dense_weight_velocity[i_8 + 3 + 10];
      let x_3 = dense_weight[i_8 + 3 + 10];
      let t_2 = fma(uniforms.weightDecay, x_3, acc_1_3);
      let t_3 = fma(uniforms.momentum, x_2, t_2);
      let t_4 = uniforms.lr * t_3;
      let t_5 = x_3 - t_4;
      dense_weight_velocity[i_8 + 3 + 10] = t_3;
      dense_weight[i_8 + 3 + 10] = t_5;
    }
    if (i_7 + 2 < 500) {
      let x_2 = dense_weight_velocity[i_8 + 3 + 20];
      let x_3 = dense_weight[i_8 + 3 + 20];
      let t_2 = fma(uniforms.weightDecay, x_3, acc_2_3);
      let t_3 = fma(uniforms.momentum, x_2, t_2);
      let t_4 = uniforms.lr * t_3;
      let t_5 = x_3 - t_4;
      dense_weight_velocity[i_8 + 3 + 20] = t_3;
      dense_weight[i_8 + 3 + 20] = t_5;
    }
    if (i_7 + 3 < 500) {
      let x_2 = dense_weight_velocity[i_8 + 3 + 30];
      let x_3 = dense_weight[i_8 + 3 + 30];
      let t_2 = fma(uniforms.weightDecay, x_3, acc_3_3);
      let t_3 = fma(uniforms.momentum, x_2, t_2);
      let t_4 = uniforms.lr * t_3;
      let t_5 = x_3 - t_4;
      dense_weight_velocity[i_8 + 3 + 30] = t_3;
      dense_weight[i_8 + 3 + 30] = t_5;
    }
  }
}
