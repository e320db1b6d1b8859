package train

// CheckWeights says what is wrong with a weights file.
func CheckWeights(file []byte) error {
	_, err := decodeWeights(file)
	return err
}

// LoadWeights puts a weights file into a Trainer.
func LoadWeights(t *Trainer, file []byte) error { return t.load(file) }
