import { image } from "kiln";

export default image(3, 8, 8);  // error KILN1009
