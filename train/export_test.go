package train

// CheckWeights says what is wrong with a weights file.
func CheckWeights(file []byte) error {
	_, err := decodeWeights(file)
	return err
}

// LoadWeights puts a weights file into a Trainer.
func LoadWeights(t *Trainer, file []byte) error { return t.load(file) }

// Explodes returns the step, from 1, at which the explosion rule ends a run with these losses; 0 if none does.
func Explodes(limit float64, classes int, losses []float64) int {
	e := explosion{limit: limit}
	for i, l := range losses {
		if _, exploded := e.add(l, classes); exploded {
			return i + 1
		}
	}
	return 0
}

// Steepest is what FindRate suggests.
func Steepest(points []RangePoint) float64 { return steepest(points) }
