// C-ECHO, then C-STOREs of the files given, by dcmjs-dimse; prints one line for each answer.
// node dcmjs_sender.cjs PORT CALLED CALLING FILE...
const { Client, constants, requests } = require("dcmjs-dimse");
const [port, called, calling, ...files] = process.argv.slice(2);
const client = new Client();
const asked = [new requests.CEchoRequest(), ...files.map((file) => new requests.CStoreRequest(file))];
for (const request of asked) {
  request.on("response", (response) => {
    const status = response.getStatus();
    if (status !== constants.Status.Pending) console.log(`${request.constructor.name} ${status.toString(16)}`);
  });
  client.addRequest(request);
}
client.on("associationRejected", (result) => console.log(`rejected ${JSON.stringify(result)}`));
client.on("networkError", (error) => {
  console.log(`error ${error}`);
  process.exitCode = 1;
});
client.send("127.0.0.1", Number(port), calling, called);
