// Package onnxpb reads and writes the messages of ONNX files: protocol buffers,
// as onnx.proto of ONNX 1.12 (IR version 8) declares them.
//
// A message is a Go struct whose fields carry their number in a tag, and one
// codec goes over all of them; there is no generated code and nothing is
// registered anywhere, so that a program may link other copies of the schema.
// Only what Neocog reads or writes is declared; other fields are skipped.
//
//	| Go field       | protobuf |
//	|----------------|----------|
//	| int32, int64   | varint, optional; 0 counts as absent |
//	| *int64         | varint whose absence means something |
//	| *float32       | float whose absence means something |
//	| string, []byte | length-delimited; an empty []byte counts as present, nil as absent |
//	| *Message       | message |
//	| []…            | repeated; numbers packed when written, either form when read |
//
// # Hostile files
//
// Unmarshal refuses messages nested deeper than MaxDepth, and files which would
// take much more memory than their own length: see Unmarshal. Byte slices alias
// the file. Everything that is wrong is an *Error with the place in the file.
package onnxpb
