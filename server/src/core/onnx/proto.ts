import Long from 'long';
import { onnx } from 'onnx-proto';
import protobuf from 'protobufjs/minimal';

// The only importer of onnx-proto. protobufjs finds Long by itself only where modules can be required
// at run time, not in a bundle; without it 64-bit integers lose their low bits.
protobuf.util.Long = Long as unknown as typeof protobuf.util.Long;
protobuf.configure();

export { onnx };
