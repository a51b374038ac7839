// softmaxCrossEntropy_d_dense_2: softmaxCrossEntropy, softmaxCrossEntropy, softmaxCrossEntropyGradient
@group(0) @binding(0) var<storage, read_write> dense: array<f32, 40>;
@group(0) @binding(1) var<storage, read> labels: array<i32, 4>;
@group(0) @binding(2) var<storage, read_write> d_dense: array<f32, 40>;
@group(0) @binding(3) var<storage, read_write> loss_largest: array<f32, 4>;
@group(0) @binding(4) var<storage, read_write> loss_total: array<f32, 4>;

@compute @workgroup_size(4)
fn main(@builtin(workgroup_id) workgroupId: vec3<u32>, @builtin(local_invocation_index) localIndex: u32) {
  let workgroupX = i32(workgroupId.x);
  let local = i32(localIndex);
  let workgroupZ = i32(workgroupId.z);
  let element = workgroupX * 4 + local;
  var max_ = -3.4028234663852886e+38f;
  let i = element * 10;
  {
    let x = dense[i + 0];
    max_ = max(max_, x);
  }
  {
    let x = dense[i + 1];
    max_ = max(max_, x);
  }
  {
    let x = dense[i + 2];
    max_ = max(max_, x);
  }
  {
    let x = dense[i + 3];
    max_ = max(max_, x);
  }
  {
    let x = dense[i + 4];
    max_ = max(max_, x);
  }
  {
    let x = dense[i + 5];
    max_ = max(max_, x);
  }
  {
    let x = dense[i + 6];
    max_ = max(max_, x);
  }
  {
    let x = dense[i + 7];
    max_ = max(max_, x);
  }
  {
    let x = dense[i + 8];
    max_ = max(max_, x);
  }
  {
    let x = dense[i + 9];
    max_ = max(max_, x);
  }
  var sum = 0f;
  {
    let x_1 = dense[i + 0];
    let t = x_1 - max_;
    let t_1 = exp(t);
    let t_2 = sum + t_1;
    sum = t_2;
  }
  {
    let x_1 = dense[i + 1];
    let t = x_1 - max_;
    let t_1 = exp(t);
    let t_2 = sum + t_1;
    sum = t_2;
  }
  {
    let x_1 = dense[i + 2];
    let t = x_1 - max_;
    let t_1 = exp(t);
    let t_2 = sum + t_1;
    sum = t_2;
  }
  {
    let x_1 = dense[i + 3];
    let t = x_1 - max_;
    let t_1 = exp(t);
    let t_2 = sum + t_1;
    sum = t_2;
  }
  {
    let x_1 = dense[i + 4];
    let t = x_1 - max_;
    let t_1 = exp(t);
    let t_2 = sum + t_1;
    sum = t_2;
  }
  {
    let x_1 = dense[i + 5];
    let t = x_1 - max_;
    let t_1 = exp(t);
    let t_2 = sum + t_1;
    sum = t_2;
  }
  {
    let x_1 = dense[i + 6];
    let t = x_1 - max_;
    let t_1 = exp(t);
    let t_2 = sum + t_1;
    sum = t_2;
  }
  {
    let x_1 = dense[i + 7];
    let t = x_1 - max_;
    let t_1 = exp(t);
    let t_2 = sum + t_1;
    sum = t_2;
  }
  {
    let x_1 = dense[i + 8];
    let t = x_1 - max_;
    let t_1 = exp(t);
    let t_2 = sum + t_1;
    sum = t_2;
  }
  {
    let x_1 = dense[i + 9];
    let t = x_1 - max_;
    let t_1 = exp(t);
    let t_2 = sum + t_1;
    sum = t_2;
  }
  for (var c_2 = 0; c_2 < workgroupZ + 10; c_2++) {
    let x_2 = dense[i + c_2];
    let t_3 = x_2 - max_;
    let t_4 = exp(t_3);
    let t_5 = t_4 / sum;
    let x_3 = labels[element];
    let t_6 = x_3 == c_2;
    let t_7 = select(0f, 1f, t_6);
    let t_8 = t_5 - t_7;
    let t_9 = t_8 * 0.25f;
    d_dense[i + c_2] = t_9;
  }
  loss_largest[element] = max_;
  loss_total[element] = sum;
}
