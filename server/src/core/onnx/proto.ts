import Long from 'long';
import { onnx } from 'onnx-proto';
import protobuf from 'protobufjs/minimal';

// The only importer of onnx-proto. protobufjs finds Long by itself only where modules can be required
// at run time, not in a bundle; without it 64-bit integers lose their low bits.
protobuf.util.Long = Long;
protobuf.configure();

declare global {
  /** onnx-proto's typings name a global `Long` that they do not declare. */
  interface Long {
    readonly low: number;
    readonly high: number;
    readonly unsigned: boolean;
  }
}

export { onnx };
