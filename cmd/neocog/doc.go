// Command neocog trains convolutional networks and shows what they are made of.
//
//	neocog train                        LeNet-5 on the embedded digits; no files, no network
//	neocog train --data DIR             on MNIST, Fashion-MNIST or CIFAR-10
//	neocog eval RUN                     the accuracy of a run
//	neocog predict RUN digit.png        what is in a picture
//	neocog summary lenet5               layers, parameters, multiply-adds
//	neocog graph lenet5 --grad          the graph with its gradient, as text, DOT or JSON
//	neocog onnx run model.onnx          ONNX files in and out; also info, export, test
//	neocog weights RUN -o FILE.npz      weights between runs, safetensors, NumPy and ONNX
//	neocog gradcheck --all              every gradient against finite differences
//	neocog bench conv                   how fast, beside the processor's limit, and how exact
//	neocog env                          the machine, and what Neocog makes of it
//
// Results go to standard output, with --json one object a line; logs and progress go to standard error. The exit status is
//
//	0    done
//	1    it went wrong: the message says what and what would work
//	2    the command line is wrong: an unknown flag, command, model or op
//	130  interrupted by SIGINT, SIGTERM or SIGHUP, after saving; a second signal stops at once
//
// Every flag has an environment variable, NEOCOG_EPOCHS for --epochs, which the flag overrides.
//
// Each command is one file; root.go is the frame, errors.go the exit status.
package main
