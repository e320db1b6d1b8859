package svg_test

import (
	"fmt"
	"os"
	"path/filepath"

	"neocog/graph/svg"
	"neocog/models"
	"neocog/models/layers"
)

// LeNet-5 as a picture for a browser or a document.
func Example() {
	m, err := models.Find("lenet5")
	if err != nil {
		fmt.Println(err)
		return
	}
	g, _, _ := m.Graph(&layers.Builder{})
	f, err := os.Create(filepath.Join(os.TempDir(), "lenet5.svg"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.Remove(f.Name())
	defer f.Close()
	fmt.Println(svg.Write(f, g, svg.Options{}))
	// Output: <nil>
}
