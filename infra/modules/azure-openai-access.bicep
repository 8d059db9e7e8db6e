// Lets the app render on an Azure OpenAI resource.

@description('Name of the Azure OpenAI resource in this resource group.')
param name string

@description('Principal id of the app\'s identity.')
param appPrincipalId string

// Submitting, looking at, fetching and deleting videos. Microsoft names this role for its video API; the narrower
// Cognitive Services OpenAI User lists the data actions that it allows, and not all of that API's are among them.
var cognitiveServicesUser = 'a97b65f3-24c7-4388-baec-2e87135dc908'

resource account 'Microsoft.CognitiveServices/accounts@2025-06-01' existing = {
  name: name
}

resource renders 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account.id, appPrincipalId, cognitiveServicesUser)
  scope: account
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', cognitiveServicesUser)
  }
}

@description('Its address.')
output endpoint string = account.properties.endpoint
