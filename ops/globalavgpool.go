package ops

import "neocog/graph"

// GlobalAvgPool returns the mean of each plane: AvgPool2D with a window over all
// of the image.
//
//	x   float [N,C,H,W]
//	y   float [N,C,1,1]
//	dx  = dy/(H·W), the same for all pixels of a plane
//
// H and W must be static and at least 1. Lin, Chen and Yan, “Network in Network”, ICLR 2014.
// ONNX GlobalAveragePool.
func GlobalAvgPool(x *graph.Value) *graph.Value {
	var p Pool
	if areImages(x) {
		p.Size = [2]int{x.Shape()[2], x.Shape()[3]}
	}
	return AvgPool2D(x, p)
}
