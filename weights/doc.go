// Package weights takes the parameters of networks in and out of files that other programs know.
//
//	| File         | tensors by name, and what a file says besides                                 |
//	| Read, Decode | a File of a safetensors, npz or npy file                                      |
//	| Write        | the other way; whole or not at all                                            |
//	| Of, Into     | between a File and a vm.State; what does not fit is told by name, a *Misfit   |
//	| Save, Load   | both steps at once                                                            |
//	| WriteNPY, DecodeNPY | a single array of NumPy's                                              |
//
// Formats:
//
//	| ending       | is                              | elements                                   |
//	|--------------|---------------------------------|--------------------------------------------|
//	| .safetensors | Hugging Face's, of PyTorch, JAX | F32 F64 I32 I64 BOOL; F16 and BF16 in only |
//	| .npz         | NumPy's savez                   | f4 f8 i4 i8 b1; f2 and bfloat16 in only    |
//	| .npy         | NumPy's save, one array         | the same                                   |
//
// Halves become float32, which is exact. All else is the same bits after writing and reading, NaNs among them.
//
// Files that lie are errors: no file, whatever its bytes, makes a reader panic or take much more memory than its
// length warrants. Safetensors files that Neocog wrote have a checksum, which is checked.
package weights
