package ops

import "neocog/graph"

// GlobalAvgPool returns the mean of each plane: AvgPool2D with a window over all
// of the image.
//
//	x   float [N,C,H,W]; or [N,C,...] of at least 3 dimensions
//	y   float [N,C,1,1]; or [N,C,1,...]
//	dx  = dy/(H·W), the same for all pixels of a plane
//
// H and W must be static and at least 1. Lin, Chen and Yan, “Network in Network”, ICLR 2014.
// ONNX GlobalAveragePool.
func GlobalAvgPool(x *graph.Value) *graph.Value {
	if x.IsValid() && x.Shape().Rank() != 4 {
		axes, y := planeAxes("GlobalAvgPool", x)
		if axes == nil {
			return y
		}
		return MeanKeep(x, axes...)
	}
	var p Pool
	if areImages(x) {
		p.Size = [2]int{x.Shape()[2], x.Shape()[3]}
	}
	return AvgPool2D(x, p)
}
