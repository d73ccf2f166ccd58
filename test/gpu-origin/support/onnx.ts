/** A node of a graph: its operator, the names of what it takes and gives, its attributes. */
export type OnnxNode = {
  op: string;
  inputs: string[];
  outputs: string[];
  attributes?: Record<string, number | number[] | OnnxGraph>;
};

/** A constant, float32 when it is given as one and int64 when as plain numbers; `external` names a file that has it. */
export type OnnxConstant = { dims: number[]; data: Float32Array | number[]; external?: string };

type OnnxValues = Record<string, { type?: 'float32' | 'float16'; shape: (number | string)[] }>;

export type OnnxGraph = {
  inputs: OnnxValues;
  outputs: OnnxValues;
  constants?: Record<string, OnnxConstant>;
  nodes: OnnxNode[];
};

const irVersion = 8;
const opsetVersion = 13;
const dataTypes = { float32: 1, int64: 7, float16: 10 };

/** The bytes of an .onnx file, field numbers as in onnx.proto3. */
export function onnxBytes(graph: OnnxGraph): Buffer {
  return Buffer.concat([varint(1, irVersion), message(7, graphBytes(graph)), message(8, varint(2, opsetVersion))]);
}

function graphBytes(graph: OnnxGraph): Buffer {
  return Buffer.concat([
    ...graph.nodes.map((node) => message(1, nodeBytes(node))),
    message(2, Buffer.from('graph')),
    ...Object.entries(graph.constants ?? {}).map(([name, constant]) => message(5, constantBytes(name, constant))),
    ...Object.entries(graph.inputs).map(([name, value]) => message(11, valueBytes(name, value))),
    ...Object.entries(graph.outputs).map(([name, value]) => message(12, valueBytes(name, value))),
  ]);
}

function nodeBytes({ op, inputs, outputs, attributes = {} }: OnnxNode): Buffer {
  return Buffer.concat([
    ...inputs.map((name) => message(1, Buffer.from(name))),
    ...outputs.map((name) => message(2, Buffer.from(name))),
    message(4, Buffer.from(op)),
    ...Object.entries(attributes).map(([name, value]) => message(5, attributeBytes(name, value))),
  ]);
}

function attributeBytes(name: string, value: number | number[] | OnnxGraph): Buffer {
  if (typeof value === 'object' && !Array.isArray(value)) {
    return Buffer.concat([message(1, Buffer.from(name)), message(6, graphBytes(value)), varint(20, 5)]);
  }
  const several = Array.isArray(value);
  const items = several ? value.map((item) => varint(8, item)) : [varint(3, value)];
  return Buffer.concat([message(1, Buffer.from(name)), ...items, varint(20, several ? 7 : 2)]);
}

function constantBytes(name: string, { dims, data, external }: OnnxConstant): Buffer {
  const floats = data instanceof Float32Array;
  const raw = floats ? Buffer.from(data.buffer) : Buffer.from(BigInt64Array.from(data, BigInt).buffer);
  return Buffer.concat([
    ...dims.map((size) => varint(1, size)),
    varint(2, floats ? dataTypes.float32 : dataTypes.int64),
    message(8, Buffer.from(name)),
    external === undefined ? message(9, raw) : externalBytes(external),
  ]);
}

/** Where a constant's numbers lie instead: an entry of key and value, and the mark that says so. */
function externalBytes(location: string): Buffer {
  const entry = Buffer.concat([message(1, Buffer.from('location')), message(2, Buffer.from(location))]);
  return Buffer.concat([message(13, entry), varint(14, 1)]);
}

function valueBytes(name: string, { type = 'float32', shape }: OnnxValues[string]): Buffer {
  const dims = shape.map((size) =>
    message(1, typeof size === 'number' ? varint(1, size) : message(2, Buffer.from(size))),
  );
  const tensor = Buffer.concat([varint(1, dataTypes[type]), message(2, Buffer.concat(dims))]);
  return Buffer.concat([message(1, Buffer.from(name)), message(2, message(1, tensor))]);
}

function message(field: number, bytes: Buffer): Buffer {
  return Buffer.concat([base128((field << 3) | 2), base128(bytes.length), bytes]);
}

function varint(field: number, value: number): Buffer {
  return Buffer.concat([base128(field << 3), base128(value)]);
}

function base128(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Buffer.from([...bytes, rest]);
}
