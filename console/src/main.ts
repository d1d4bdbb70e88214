import { mount } from "svelte";
import App from "./App.svelte";
import "./lib/style.css";

const target = document.getElementById("console");
if (target) mount(App, { target });
