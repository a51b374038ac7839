// dense_relu_3: dense, dense, relu @ lenet.ts:9:7
enable subgroups;

@group(0) @binding(0) var<storage, read_write> maxPool2d_y: array<f32, 5000>;
@group(0) @binding(1) var<storage, read> dense_weight: array<vec4<f32>, 156250>;
@group(0) @binding(2) var<storage, read> dense_bias: array<vec4<f32>, 125>;
@group(0) @binding(3) var<storage, read_write> relu: array<vec4<f32>, 500>;

@compute @workgroup_size(8)
fn main(@builtin(subgroup_invocation_id) subgroupIndex: u32, @builtin(workgroup_id) workgroupId: vec3<u32>) {
  let subgroupLane = i32(subgroupIndex);
  let workgroupX = i32(workgroupId.x);
  let workgroupZ = i32(workgroupId.z);
  let lane = subgroupLane;
  let tile = workgroupX;
  let columnTile = tile % 16;
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
  var rowBase_0 = 0;
  var rowBase_1 = 0;
  let i_1 = lane % 4 * 50 + lane / 4 * 1250;
  rowBase_0 = i_1 + 0;
  rowBase_1 = i_1 + 2500;
  var rowBase_1_0 = 0;
  let i_3 = lane * 1250;
  rowBase_1_0 = i_3;
  let i_6 = columnTile * 8 + lane;
  for (var co = 0; co < 50; co++) {
    let i_7 = i_6 + co * 3125;
    for (var k = 0; k < workgroupZ + 6; k++) {
      var rows_0 = 0f;
      var rows_1 = 0f;
      let i_5 = co + k * 200;
      {
        let x = maxPool2d_y[i_5 + rowBase_0];
        rows_0 = x;
      }
      {
        let x = maxPool2d_y[i_5 + rowBase_1];
        rows_1 = x;
      }
      var columns_0 = vec4<f32>(0f);
      var columns_1 = vec4<f32>(0f);
      var columns_2 = vec4<f32>(0f);
      var columns_3 = vec4<f32>(0f);
      let i_8 = i_7 + k * 500;
      {
        let x_1 = dense_weight[i_8 + 0];
        columns_0 = x_1;
      }
      {
        let x_1 = dense_weight[i_8 + 125];
        columns_1 = x_1;
      }
      {
        let x_1 = dense_weight[i_8 + 250];
        columns_2 = x_1;
      }
      {
        let x_1 = dense_weight[i_8 + 375];
        columns_3 = x_1;
      }
      {
        let a = subgroupBroadcast(rows_0, 0u);
        acc_0_0 = fma(a, columns_0.x, acc_0_0);
        acc_0_1 = fma(a, columns_0.y, acc_0_1);
        acc_0_2 = fma(a, columns_0.z, acc_0_2);
        acc_0_3 = fma(a, columns_0.w, acc_0_3);
      }
      {
        let a = subgroupBroadcast(rows_0, 4u);
        acc_1_0 = fma(a, columns_0.x, acc_1_0);
        acc_1_1 = fma(a, columns_0.y, acc_1_1);
        acc_1_2 = fma(a, columns_0.z, acc_1_2);
        acc_1_3 = fma(a, columns_0.w, acc_1_3);
      }
      {
        let a = subgroupBroadcast(rows_1, 0u);
        acc_2_0 = fma(a, columns_0.x, acc_2_0);
        acc_2_1 = fma(a, columns_0.y, acc_2_1);
        acc_2_2 = fma(a, columns_0.z, acc_2_2);
        acc_2_3 = fma(a, columns_0.w, acc_2_3);
      }
      {
        let a = subgroupBroadcast(rows_1, 4u);
        acc_3_0 = fma(a, columns_0.x, acc_3_0);
        acc_3_1 = fma(a, columns_0.y, acc_3_1);
        acc_3_2 = fma(a, columns_0.z, acc_3_2);
        acc_3_3 = fma(a, columns_0.w, acc_3_3);
      }
      {
        let a = subgroupBroadcast(rows_0, 1u);
        acc_0_0 = fma(a, columns_1.x, acc_0_0);
        acc_0_1 = fma(a, columns_1.y, acc_0_1);
        acc_0_2 = fma(a, columns_1.z, acc_0_2);
        acc_0_3 = fma(a, columns_1.w, acc_0_3);
      }
      {
        let a = subgroupBroadcast(rows_0, 5u);
        acc_1_0 = fma(a, columns_1.x, acc_1_0);
        acc_1_1 = fma(a, columns_1.y, acc_1_1);
        acc_1_2 = fma(a, columns_1.z, acc_1_2);
        acc_1_3 = fma(a, columns_1.w, acc_1_3);
      }
      {
        let a = subgroupBroadcast(rows_1, 1u);
        acc_2_0 = fma(a, columns_1.x, acc_2_0);
        acc_2_1 = fma(a, columns_1.y, acc_2_1);
        acc_2_2 = fma(a, columns_1.z, acc_2_2);
        acc_2_3 = fma(a, columns_1.w, acc_2_3);
      }
      {
        let a = subgroupBroadcast(rows_1, 5u);
        acc_3_0 = fma(a, columns_1.x, acc_3_0);
        acc_3_1 = fma(a, columns_1.y, acc_3_1);
        acc_3_2 = fma(a, columns_1.z, acc_3_2);
        acc_3_3 = fma(a, columns_1.w, acc_3_3);
      }
      {
        let a = subgroupBroadcast(rows_0, 2u);
        acc_0_0 = fma(a, columns_2.x, acc_0_0);
        acc_0_1 = fma(a, columns_2.y, acc_0_1);
        acc_0_2 = fma(a, columns_2.z, acc_0_2);
        acc_0_3 = fma(a, columns_2.w, acc_0_3);
      }
      {
        let a = subgroupBroadcast(rows_0, 6u);
        acc_1_0 = fma(a, columns_2.x, acc_1_0);
        acc_1_1 = fma(a, columns_2.y, acc_1_1);
        acc_1_2 = fma(a, columns_2.z, acc_1_2);
        acc_1_3 = fma(a, columns_2.w, acc_1_3);
      }
      {
        let a = subgroupBroadcast(rows_1, 2u);
        acc_2_0 = fma(a, columns_2.x, acc_2_0);
        acc_2_1 = fma(a, columns_2.y, acc_2_1);
        acc_2_2 = fma(a, columns_2.z, acc_2_2);
        acc_2_3 = fma(a, columns_2.w, acc_2_3);
      }
      {
        let a = subgroupBroadcast(rows_1, 6u);
        acc_3_0 = fma(a, columns_2.x, acc_3_0);
        acc_3_1 = fma(a, columns_2.y, acc_3_1);
        acc_3_2 = fma(a, columns_2.z, acc_3_2);
        acc_3_3 = fma(a, columns_2.w, acc_3_3);
      }
      {
        let a = subgroupBroadcast(rows_0, 3u);
        acc_0_0 = fma(a, columns_3.x, acc_0_0);
        acc_0_1 = fma(a, columns_3.y, acc_0_1);
        acc_0_2 = fma(a, columns_3.z, acc_0_2);
        acc_0_3 = fma(a, columns_3.w, acc_0_3);
      }
      {
        let a = subgroupBroadcast(rows_0, 7u);
        acc_1_0 = fma(a, columns_3.x, acc_1_0);
        acc_1_1 = fma(a, columns_3.y, acc_1_1);
        acc_1_2 = fma(a, columns_3.z, acc_1_2);
        acc_1_3 = fma(a, columns_3.w, acc_1_3);
      }
      {
        let a = subgroupBroadcast(rows_1, 3u);
        acc_2_0 = fma(a, columns_3.x, acc_2_0);
        acc_2_1 = fma(a, columns_3.y, acc_2_1);
        acc_2_2 = fma(a, columns_3.z, acc_2_2);
        acc_2_3 = fma(a, columns_3.w, acc_2_3);
      }
      {
        let a = subgroupBroadcast(rows_1, 7u);
        acc_3_0 = fma(a, columns_3.x, acc_3_0);
        acc_3_1 = fma(a, columns_3.y, acc_3_1);
        acc_3_2 = fma(a, columns_3.z, acc_3_2);
        acc_3_3 = fma(a, columns_3.w, acc_3_3);
      }
    }
    var rows_1_0 = 0f;
    {
      let x_2 = maxPool2d_y[co + rowBase_1_0 + 1200];
      rows_1_0 = x_2;
    }
    var columns_1_0 = vec4<f32>(0f);
    {
      let x_3 = dense_weight[i_7 + 3000];
      columns_1_0 = x_3;
    }
    {
      let a_1 = subgroupBroadcast(rows_1_0, 0u);
      acc_0_0 = fma(a_1, columns_1_0.x, acc_0_0);
      acc_0_1 = fma(a_1, columns_1_0.y, acc_0_1);
      acc_0_2 = fma(a_1, columns_1_0.z, acc_0_2);
      acc_0_3 = fma(a_1, columns_1_0.w, acc_0_3);
    }
    {
      let a_1 = subgroupBroadcast(rows_1_0, 1u);
      acc_1_0 = fma(a_1, columns_1_0.x, acc_1_0);
      acc_1_1 = fma(a_1, columns_1_0.y, acc_1_1);
      acc_1_2 = fma(a_1, columns_1_0.z, acc_1_2);
      acc_1_3 = fma(a_1, columns_1_0.w, acc_1_3);
    }
    {
      let a_1 = subgroupBroadcast(rows_1_0, 2u);
      acc_2_0 = fma(a_1, columns_1_0.x, acc_2_0);
      acc_2_1 = fma(a_1, columns_1_0.y, acc_2_1);
      acc_2_2 = fma(a_1, columns_1_0.z, acc_2_2);
      acc_2_3 = fma(a_1, columns_1_0.w, acc_2_3);
    }
    {
      let a_1 = subgroupBroadcast(rows_1_0, 3u);
      acc_3_0 = fma(a_1, columns_1_0.x, acc_3_0);
      acc_3_1 = fma(a_1, columns_1_0.y, acc_3_1);
      acc_3_2 = fma(a_1, columns_1_0.z, acc_3_2);
      acc_3_3 = fma(a_1, columns_1_0.w, acc_3_3);
    }
  }
  let i_10 = columnTile * 32 + lane * 4;
  if (i_10 < 500) {
    let x_4 = dense_bias[i_6];
    var done: array<vec4<f32>, 4>;
    done[0] = vec4<f32>(acc_0_0, acc_0_1, acc_0_2, acc_0_3);
    done[1] = vec4<f32>(acc_1_0, acc_1_1, acc_1_2, acc_1_3);
    done[2] = vec4<f32>(acc_2_0, acc_2_1, acc_2_2, acc_2_3);
    done[3] = vec4<f32>(acc_3_0, acc_3_1, acc_3_2, acc_3_3);
    for (var r_3 = 0; r_3 < workgroupZ + 4; r_3++) {
      let t = done[r_3] + x_4;
      let t_1 = max(t, vec4<f32>(0f));
      relu[i_6 + r_3 * 125] = t_1;
    }
  }
}
