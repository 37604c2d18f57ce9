// Words.
export { english as words } from "../../chat/texts";
export { englishWidget as own } from "../widgetTexts";
