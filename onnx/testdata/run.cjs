// Runs a model in ONNX Runtime: node run.cjs MODEL MANIFEST.
//
// The manifest is JSON, {"inputs": [{name, type, dims, file}], "outputs": [{name, file}]}; files hold the
// elements, little-endian. The outputs are written as {type, dims} to standard output, one JSON object a line, and
// their elements to the files.
const fs = require('fs');
const ort = require('onnxruntime-node');

const arrays = { float32: Float32Array, float64: Float64Array, int32: Int32Array, int64: BigInt64Array, bool: Uint8Array };

async function main() {
  const [model, manifest] = process.argv.slice(2);
  const { inputs, outputs } = JSON.parse(fs.readFileSync(manifest, 'utf8'));
  const session = await ort.InferenceSession.create(model, { logSeverityLevel: 3 });
  const feeds = {};
  for (const i of inputs) {
    const bytes = fs.readFileSync(i.file);
    const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
    if (session.inputNames.includes(i.name)) {
      feeds[i.name] = new ort.Tensor(i.type, new arrays[i.type](buffer), i.dims);
    }
  }
  const results = await session.run(feeds);
  for (const o of outputs) {
    const t = results[o.name];
    fs.writeFileSync(o.file, Buffer.from(t.data.buffer, t.data.byteOffset, t.data.byteLength));
    console.log(JSON.stringify({ type: t.type, dims: t.dims }));
  }
}

main().catch((e) => {
  console.error(String(e));
  process.exit(1);
});
