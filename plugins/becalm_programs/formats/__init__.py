"""Programs and solutions in the formats that people hold: MPS, LP, PuLP, arrays; .sol, .json, .npz, MIP starts."""
